"""Single examples by their gradients: each one's own figures, classes that conflict, and pairs that oppose each other.

Shapes: N examples, P parameters, T classes.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from backend.core.analyses.base import Moment
from backend.core.analyses.gradient_tellers import Place, Seen, pulls
from backend.core.gradients.coherence import cosines
from backend.core.gradients.opposing import group_cosine, opposing, partners
from backend.core.gradients.per_sample import per_sample
from backend.core.gradients.tasks import conflicts, of_classes
from backend.core.problems.problem import Data, Problem
from backend.core.saliency.methods import square
from backend.schemas.events import AnyEvent, Conflict, ExamplePictures, Examples, Opposition

GROUP: Final = 8  # examples at each end of the change of loss
PICTURES: Final = 2**22  # bytes of all pictures together; with more of them none is told
Told = Iterator[AnyEvent]


def _examples(problem: Problem, place: Place, seen: Seen, data: Data) -> Told:
    """Loss, gradient's length, and its cosines with the mean gradient and with the last kernel."""
    moment = place.site.point.moment
    gram_NN = torch.stack(seen.grams).sum(0)
    norm_N = gram_NN.diagonal().clamp(min=0).sqrt()
    pull = pulls(problem, place, seen)
    pictures = _pictures(data.x) if place.first else None
    if pictures is not None and pictures.size <= PICTURES:
        yield ExamplePictures(**place.site.where, pictures=_bytes(pictures))
    yield Examples(
        **place.site.where,
        label=_labels(problem, data.y),
        loss=_array(_each(problem, moment, data)),
        norm=_array(norm_N),
        cosine=_array(gram_NN.mean(1) / (norm_N * gram_NN.mean().clamp(min=0).sqrt())),
        alignment=np.full(len(data), np.nan) if pull is None else _array(pull[1]),
        examples=len(data),
    )


def _conflict(problem: Problem, place: Place, seen: Seen, data: Data) -> Told:
    """Each class as a task: cosines, lengths, and how steps for all of them serve each one."""
    tasks = of_classes(torch.stack(seen.grams).sum(0), data.y)
    found = conflicts(tasks.gram_TT)
    yield Conflict(
        **place.site.where,
        task=tuple(str(label) for label in tasks.label_T.tolist()),
        cosine=_array(found.cosine_TT),
        magnitude=_array(found.magnitude_TT),
        mean=_array(found.served.mean_T),
        pcgrad=_array(found.served.pcgrad_T),
        upgrad=_array(found.served.upgrad_T),
        conflicting=found.share,
        examples=len(data),
    )


def _oppose(problem: Problem, place: Place, seen: Seen, data: Data) -> Told:
    """The examples that the last step helped most and hurt most; nothing where the step before is not known."""
    if place.update_P is None or len(data) < 2 * GROUP:
        return
    moment = place.site.point.moment
    before = Moment(moment.step - 1, moment.params_P - place.update_P, moment.buffers_B)
    found = opposing(_each(problem, before, data), _each(problem, moment, data), GROUP)
    chosen = torch.cat([found.helped, found.hurt])
    parts = per_sample(problem, before, Data(data.x[chosen], data.y[chosen]))
    grad_NP = torch.cat([part.grad_Np for part in parts], 1)
    own = found._replace(helped=torch.arange(GROUP), hurt=torch.arange(GROUP, 2 * GROUP))
    cosine_GG = cosines(grad_NP @ grad_NP.T)[:GROUP, GROUP:]
    order = partners(cosine_GG)
    hurt = found.hurt[order]
    shown = torch.cat([found.helped, hurt])
    yield Opposition(
        **place.site.where,
        helped=tuple(found.helped.tolist()),
        hurt=tuple(hurt.tolist()),
        change=_array(found.change_N[shown]),
        cosine=group_cosine(grad_NP, own),
        pair_cosine=_array(cosine_GG[range(GROUP), order]),
        label=_labels(problem, data.y[shown]),
        pictures=_pictures(data.x[shown]),
    )


def _each(problem: Problem, moment: Moment, data: Data) -> Tensor:
    with torch.no_grad():
        return problem.each(problem.outputs(moment.params_P, moment.buffers_B, data.x), data.y)


def _labels(problem: Problem, y: Tensor) -> Any:
    return None if problem.classes is None else y.cpu().numpy().astype(np.int32)


def _array(values: Tensor) -> Any:
    return values.detach().cpu().double().numpy()


def _pictures(x: Tensor) -> Any:
    if x.dim() == 4:
        return x.mean(1).cpu().numpy()
    sides = square(x.shape[1:])
    return None if sides is None else x.view(len(x), *sides).cpu().numpy()


def _bytes(pictures: Any) -> Any:
    low, high = float(pictures.min()), float(pictures.max())
    return np.round(255 * (pictures - low) / max(high - low, 1e-12)).astype(np.uint8)


TOLD_APART: Final[dict[str, Callable[[Problem, Place, Seen, Data], Told]]] = {
    "examples": _examples,
    "conflict": _conflict,
    "opposing": _oppose,
}
