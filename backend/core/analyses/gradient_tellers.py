"""How each statistic of gradients, weights and steps is told.

Shapes: N examples, p parameters of a layer, L layers.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from backend.core.analyses.base import Moment, Tick
from backend.core.analyses.curvature import Site
from backend.core.curvature.blocks import layers
from backend.core.gradients import coherence as coherent
from backend.core.gradients.lojasiewicz import lojasiewicz
from backend.core.gradients.noise_scale import from_gram
from backend.core.gradients.per_sample import Part
from backend.core.gradients.rotation import layer_rotation
from backend.core.gradients.signal_to_noise import one_step_ratio
from backend.core.gradients.singular_values import edges, singular_values
from backend.core.gradients.starvation import modes, responses
from backend.core.gradients.tangent_kernel import slopes
from backend.core.gradients.weight_alignment import alignment, summary
from backend.core.problems.problem import Data, Problem
from backend.schemas.analysis import GradientStatsAnalysis

ALL: Final = "all"  # the name of all layers together
TRAIL: Final = 12  # moments that an exponent is fitted over, at most


@dataclass(frozen=True, eq=False)
class Place:
    """A moment, with what is known of how it came about.

    Attributes:
        site: where.
        update_P: the step that led there; None where it is not known.
        trail: the moments that are kept up to there, the beginning first.
        first: whether it is the first look, with which is told what never changes.
    """

    site: Site
    update_P: Tensor | None
    trail: tuple[Moment, ...]
    first: bool = True


@dataclass(frozen=True, eq=False)
class Seen:
    """What all statistics that need single examples' gradients are made of, gathered layer by layer."""

    names: list[str]
    grams: list[Tensor]
    shares: list[Tensor]  # squared mean gradients
    ratios: list[Tensor]  # signal-to-noise ratios
    last: Part


Found = Iterator[dict[str, Any] | Tick]


def _values(names: Sequence[str], values: Any, baseline: Any = None, marks: Any = None) -> dict[str, Any]:
    def array(numbers: Any) -> Any:
        return None if numbers is None else np.asarray(numbers, np.float64)

    return {"layer": tuple(names), "values": array(values), "baseline": array(baseline), "edges": array(marks)}


def _by_layer(problem: Problem, vector_P: Tensor) -> list[Tensor]:
    return [vector_P[layer.start : layer.end] for layer in layers(problem.layout)]


def _norms(parts: Sequence[Tensor]) -> list[float]:
    """Of each layer, and of all together."""
    norms = [float(part.norm()) for part in parts]
    return [*norms, math.hypot(*norms)]


def _gradient_norm(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    yield _values([*seen.names, ALL], _norms([share.sqrt() for share in seen.shares]))


def _weight_norm(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    yield _values([*seen.names, ALL], _norms(_by_layer(problem, place.site.point.moment.params_P)))


def _update_norm(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    if place.update_P is not None:
        yield _values([*seen.names, ALL], _norms(_by_layer(problem, place.update_P)))


def _update_ratio(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    if place.update_P is not None:
        weight = np.array(_norms(_by_layer(problem, place.site.point.moment.params_P)))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.array(_norms(_by_layer(problem, place.update_P))) / weight
        yield _values([*seen.names, ALL], ratio)


def _histogram(names: Sequence[str], parts: Sequence[Tensor], bins: int) -> Found:
    """Entries by size: equal parts of the logarithm, over twelve decades at most; zeros are left out."""
    sizes = [part.abs() for part in parts]
    positive = torch.cat([size[size > 0] for size in sizes])
    low, high = (positive.min().log10(), positive.max().log10()) if len(positive) else (torch.tensor(-1.0),) * 2
    marks = np.linspace(max(float(low), float(high) - 12), float(high) + 1e-9, bins + 1)
    rows = [np.histogram(np.log10(np.maximum(size.cpu().double().numpy(), 1e-300)), marks)[0] for size in sizes]
    yield _values(names, rows, None, 10**marks)


def _gradient_histogram(problem: Problem, spec: GradientStatsAnalysis, place: Place, seen: Seen, data: Data) -> Found:
    return _histogram(seen.names, [share.sqrt() for share in seen.shares], spec.bins)


def _weight_histogram(problem: Problem, spec: GradientStatsAnalysis, place: Place, seen: Seen, data: Data) -> Found:
    return _histogram(seen.names, _by_layer(problem, place.site.point.moment.params_P), spec.bins)


def _update_histogram(problem: Problem, spec: GradientStatsAnalysis, place: Place, seen: Seen, data: Data) -> Found:
    if place.update_P is not None:
        yield from _histogram(seen.names, _by_layer(problem, place.update_P), spec.bins)


def _signal_to_noise(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    ratios = [*seen.ratios, torch.cat(seen.ratios)]
    yield _values(
        [*seen.names, ALL],
        [float(ratio[torch.isfinite(ratio)].mean()) for ratio in ratios],
        [1 / len(data)] * len(ratios),  # of noise alone
    )


def _one_step_ratio(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    share_P, ratio_P = torch.cat(seen.shares), torch.cat(seen.ratios)
    yield _values([ALL], [float(one_step_ratio(ratio_P, share_P / share_P.sum(), len(data)))])


def _noise_scale(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    grams = [*seen.grams, torch.stack(seen.grams).sum(0)]
    yield _values([*seen.names, ALL], [from_gram(each).value for each in grams])


def _coherence(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    grams = [*seen.grams, torch.stack(seen.grams).sum(0)]
    names = [*seen.names, ALL]
    yield _values(names, [len(data) * float(coherent.coherence(each)) for each in grams], [1.0] * len(names))


def _class_cosine(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    assert problem.classes is not None
    cosine_NN = coherent.cosines(torch.stack(seen.grams).sum(0))
    between_CC = coherent.between_classes(cosine_NN, data.y, problem.classes)
    yield _values([str(label) for label in range(problem.classes)], between_CC.cpu().numpy())


def pulls(problem: Problem, place: Place, seen: Seen) -> tuple[str, Tensor] | None:
    """Return the last kernel's name and each example's cos(−gᵢ, w) on it; None where it is not in the last layer."""
    kernels = [entry for entry in problem.layout.slices if len(entry[1]) > 1 and entry[2] >= seen.last.layer.start]
    if not kernels:
        return None
    name, _, start, end = kernels[-1]
    own = slice(start - seen.last.layer.start, end - seen.last.layer.start)
    return name, alignment(seen.last.grad_Np[:, own], place.site.point.moment.params_P[start:end])


def _weight_alignment(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    """Mean, excess kurtosis and their ratio for the last layer's weight, and whether the ratio says nothing."""
    found = pulls(problem, place, seen)
    if found is not None:
        name, gamma_N = found
        told = [f"{name}: {what}" for what in ("mean", "excess kurtosis", "ratio", "ratio clipped")]
        yield _values(told, summary(gamma_N))


def _layer_rotation(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    found = layer_rotation(problem.layout, place.site.point.moment.params_P, place.trail[0].params_P)
    yield _values(list(found), list(found.values()))


def _singular_values(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    """Of every kernel, beside the ends that independent entries of the same variance would have."""
    for name, shape, start, end in problem.layout.slices:
        if len(shape) > 1:
            weight = place.site.point.moment.params_P[start:end].view(shape)
            values = singular_values(weight).cpu().numpy()
            yield _values([name], [values], None, [edges(shape, float(weight.double().var(correction=0)))])


def _mode_responses(problem: Problem, spec: GradientStatsAnalysis, place: Place, seen: Seen, data: Data) -> Found:
    """How far each mode of the margins' tangent features at the beginning is learnt, the strongest first."""
    now, start = place.site.point.moment, place.trail[0]
    sign_N = 2.0 * data.y.to(problem.dtype) - 1
    with torch.no_grad():
        margin_N = sign_N * score(problem.outputs(now.params_P, now.buffers_B, data.x))
    jacobian_NCP = yield from slopes(problem, start, data)
    found = yield from modes(score(jacobian_NCP.movedim(1, -1)), sign_N)
    kept = slice(spec.modes)
    toward_K = torch.where(found.left_NK.sum(0) < 0, -1.0, 1.0)  # larger margins are the positive side
    learnt_K = (toward_K * responses(found, margin_N))[kept] / len(data) ** 0.5
    yield _values([f"mode {k + 1}" for k in range(len(learnt_K))], learnt_K.cpu())


def score(outputs: Tensor) -> Tensor:
    """Return the number whose sign is the class, of outputs [..., 1] or [..., 2]."""
    return outputs[..., 0] if outputs.shape[-1] == 1 else outputs[..., 1] - outputs[..., 0]


def _lojasiewicz(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    """Fit the exponent over the later half of the way, the lowest loss taken as 0; any line fits two moments."""
    later = [moment for moment in place.trail if 2 * moment.step >= place.site.point.moment.step]
    chosen = [later[round(i)] for i in np.linspace(0, len(later) - 1, min(len(later), TRAIL))]
    if len(chosen) < 3:
        return
    loss_T, norm_T = zip(*[_loss_and_norm(problem, moment, data) for moment in chosen], strict=True)
    found = lojasiewicz(torch.tensor(loss_T), torch.tensor(norm_T), 0.0)
    yield _values(["exponent", "constant", "r²"], found, [0.5, np.nan, np.nan])


def _loss_and_norm(problem: Problem, moment: Moment, data: Data) -> tuple[float, float]:
    params_P = moment.params_P.clone().requires_grad_()
    loss = problem.loss(params_P, moment.buffers_B, data)
    (grad_P,) = torch.autograd.grad(loss, params_P)
    return float(loss.detach()), float(grad_P.norm())


TELLERS: dict[str, Callable[[Problem, GradientStatsAnalysis, Place, Seen, Data], Found]] = {
    "gradient_norm": _gradient_norm,
    "weight_norm": _weight_norm,
    "update_norm": _update_norm,
    "update_ratio": _update_ratio,
    "gradient_histogram": _gradient_histogram,
    "weight_histogram": _weight_histogram,
    "update_histogram": _update_histogram,
    "signal_to_noise": _signal_to_noise,
    "one_step_ratio": _one_step_ratio,
    "noise_scale": _noise_scale,
    "coherence": _coherence,
    "class_cosine": _class_cosine,
    "weight_alignment": _weight_alignment,
    "layer_rotation": _layer_rotation,
    "singular_values": _singular_values,
    "mode_responses": _mode_responses,
    "lojasiewicz": _lojasiewicz,
}
