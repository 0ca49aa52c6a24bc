"""How each statistic of gradients, weights and steps is told.

Shapes: N examples, p parameters of a layer, L layers.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from backend.core.analyses.curvature import Site
from backend.core.curvature.blocks import layers
from backend.core.gradients import coherence as coherent
from backend.core.gradients.noise_scale import from_gram
from backend.core.gradients.per_sample import Part
from backend.core.gradients.rotation import layer_rotation
from backend.core.gradients.signal_to_noise import one_step_ratio
from backend.core.gradients.singular_values import edges, singular_values
from backend.core.gradients.weight_alignment import alignment, summary
from backend.core.problems.problem import Data, Problem
from backend.schemas.analysis import GradientStatsAnalysis

ALL: Final = "all"  # the name of all layers together


@dataclass(frozen=True, eq=False)
class Place:
    """A moment, with what is known of how it came about.

    Attributes:
        site: where.
        update_P: the step that led there; None where it is not known.
        start_P: the parameters at the beginning; None where they are not known.
    """

    site: Site
    update_P: Tensor | None
    start_P: Tensor | None


@dataclass(frozen=True, eq=False)
class Seen:
    """What all statistics that need single examples' gradients are made of, gathered layer by layer."""

    names: list[str]
    grams: list[Tensor]
    shares: list[Tensor]  # squared mean gradients
    ratios: list[Tensor]  # signal-to-noise ratios
    last: Part


Found = Iterator[dict[str, Any]]


def _values(names: Sequence[str], values: Any, baseline: Any = None, marks: Any = None) -> dict[str, Any]:
    def array(numbers: Any) -> Any:
        return None if numbers is None else np.asarray(numbers, np.float64)

    return {"layer": tuple(names), "values": array(values), "baseline": array(baseline), "edges": array(marks)}


def _by_layer(problem: Problem, vector_P: Tensor) -> list[float]:
    return [float(vector_P[layer.start : layer.end].norm()) for layer in layers(problem.layout)]


def _gradient_norm(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    yield _values(seen.names, [float(share.sum().sqrt()) for share in seen.shares])


def _weight_norm(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    yield _values(seen.names, _by_layer(problem, place.site.point.moment.params_P))


def _update_norm(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    if place.update_P is not None:
        yield _values(seen.names, _by_layer(problem, place.update_P))


def _update_ratio(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    if place.update_P is not None:
        weight = np.array(_by_layer(problem, place.site.point.moment.params_P))
        with np.errstate(divide="ignore", invalid="ignore"):
            yield _values(seen.names, np.array(_by_layer(problem, place.update_P)) / weight)


def _histogram(problem: Problem, spec: GradientStatsAnalysis, place: Place, seen: Seen, data: Data) -> Found:
    """The mean gradient's entries by size, an eighth of a decade and more a bar."""
    sizes = [share.sqrt() for share in seen.shares]
    positive = torch.cat([size[size > 0] for size in sizes])
    low, high = (positive.min().log10(), positive.max().log10()) if len(positive) else (torch.tensor(-1.0),) * 2
    marks = np.linspace(max(float(low), float(high) - 12), float(high) + 1e-9, spec.bins + 1)
    rows = [np.histogram(np.log10(np.maximum(size.cpu().double().numpy(), 1e-300)), marks)[0] for size in sizes]
    yield _values(seen.names, rows, None, 10**marks)


def _signal_to_noise(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    yield _values(
        seen.names,
        [float(ratio[torch.isfinite(ratio)].mean()) for ratio in seen.ratios],
        [1 / len(data)] * len(seen.names),  # of noise alone
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


def _weight_alignment(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    """Mean, excess kurtosis and their ratio for the last layer's weight."""
    name, _, start, end = [entry for entry in problem.layout.slices if len(entry[1]) > 1][-1]
    own = slice(start - seen.last.layer.start, end - seen.last.layer.start)
    if own.start < 0:
        return
    found = summary(alignment(seen.last.grad_Np[:, own], place.site.point.moment.params_P[start:end]))
    yield _values([f"{name}: mean", f"{name}: excess kurtosis", f"{name}: ratio"], found[:3])


def _layer_rotation(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    if place.start_P is not None:
        found = layer_rotation(problem.layout, place.site.point.moment.params_P, place.start_P)
        yield _values(list(found), list(found.values()))


def _singular_values(problem: Problem, spec: Any, place: Place, seen: Seen, data: Data) -> Found:
    """Of every kernel, beside the ends that independent entries of the same variance would have."""
    names, rows, ends = [], [], []
    for name, shape, start, end in problem.layout.slices:
        if len(shape) > 1:
            weight = place.site.point.moment.params_P[start:end].view(shape)
            names.append(name)
            rows.append(singular_values(weight).cpu().numpy())
            ends.append(edges(shape, float(weight.double().var(correction=0))))
    longest = max(len(row) for row in rows)
    padded = np.array([np.pad(row, (0, longest - len(row)), constant_values=np.nan) for row in rows])
    yield _values(names, padded, None, ends)


TELLERS: dict[str, Callable[[Problem, GradientStatsAnalysis, Place, Seen, Data], Found]] = {
    "gradient_norm": _gradient_norm,
    "weight_norm": _weight_norm,
    "update_norm": _update_norm,
    "update_ratio": _update_ratio,
    "gradient_histogram": _histogram,
    "signal_to_noise": _signal_to_noise,
    "one_step_ratio": _one_step_ratio,
    "noise_scale": _noise_scale,
    "coherence": _coherence,
    "class_cosine": _class_cosine,
    "weight_alignment": _weight_alignment,
    "layer_rotation": _layer_rotation,
    "singular_values": _singular_values,
}
