"""Saliency of chosen examples, by several methods side by side.

Shapes: N examples, C outputs, F… an input's own shape.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import torch
from torch import Tensor

from backend.core.analyses.base import TICK, Context, Events, Tick
from backend.core.analyses.curvature import Site, sites
from backend.core.analyses.failures import NotFinite, Unsupported
from backend.core.analyses.places import points_of, started
from backend.core.problems.problem import Data, Problem
from backend.core.runtime.seeding import generator
from backend.core.saliency.explained import BadTarget, Estimate, Explained, Score
from backend.core.saliency.features import NoPictures
from backend.core.saliency.frequency import one_sided
from backend.core.saliency.integrated import completeness_gap
from backend.core.saliency.methods import COMPLETE, UNSIGNED, NotASignal, Setting, estimates, picture
from backend.core.saliency.metrics import capped
from backend.core.saliency.rules import NoRelu
from backend.schemas.analysis import SaliencyAnalysis, SaliencyTrustAnalysis
from backend.schemas.analysis.saliency import Method
from backend.schemas.events import SaliencyExample, SaliencyMap

EXPLAINS_NOTHING: Final = "Saliency needs a network on data, and this problem is a function of its parameters alone."
NOT_A_QUANTITY: Final = (
    "Saliency differentiates by the inputs, and the inputs here are whole numbers, such as letters, which have no "
    "derivative; give the network the embedded inputs as its data to explain those."
)


class Saliency:
    """Maps of the same examples at each point: at several steps of a run, how attribution forms."""

    def unsupported(self, problem: Problem, spec: SaliencyAnalysis) -> str | None:
        """Return None, or why there is nothing to explain."""
        data = split_of(problem, spec)
        if data is None or problem.model is None:
            return EXPLAINS_NOTHING
        if not data.x.is_floating_point():
            return NOT_A_QUANTITY
        if (last := max(spec.examples)) >= len(data):
            return f"The split has {len(data)} examples, 0 to {len(data) - 1}, and example {last} was asked for."
        return problem.check_deterministic()

    def run(self, problem: Problem, spec: SaliencyAnalysis, ctx: Context) -> Events:
        """Yield a ``SaliencyExample`` for each example, then its maps, refined.

        Raises:
            NotFinite: where a point is not finite.
            Unsupported: where the target does not exist, or the network lacks what a method works on.
        """
        yield started(problem, points_of(problem, ctx))
        for site in sites(problem, ctx, spec.kind):
            if not bool(torch.isfinite(site.point.moment.params_P).all()):
                raise NotFinite(f"The parameters at step {site.point.moment.step} are not finite.")
            yield from self.look(problem, spec, ctx.seed, site)

    def look(self, problem: Problem, spec: SaliencyAnalysis, seed: int, site: Site) -> Events:
        """Explain the examples at a place; the same random draws at every place, so that maps can be compared.

        Yields:
            Examples, then maps.

        Raises:
            Unsupported: where the target does not exist, or the network lacks what a method works on.
        """
        try:
            yield from _explain(problem, spec, seed, site)
        except (BadTarget, NoPictures, NoRelu, NotASignal) as refusal:
            raise Unsupported(str(refusal)) from refusal


def split_of(problem: Problem, spec: SaliencyAnalysis | SaliencyTrustAnalysis) -> Data | None:
    """Return the examples that are looked at: those of the split that was asked for, where there is a test split."""
    return problem.test if spec.split == "test" and problem.test is not None else problem.train


def baseline(spec: SaliencyAnalysis | SaliencyTrustAnalysis, train_x: Tensor) -> Tensor:
    """Return the input [1, …] that stands for nothing: zeros, or the mean of the training inputs [N, …]."""
    return torch.zeros_like(train_x[:1]) if spec.baseline == "zero" else train_x.mean(0, keepdim=True)


def _explain(problem: Problem, spec: SaliencyAnalysis, seed: int, site: Site) -> Events:
    data, train = split_of(problem, spec), problem.train
    assert data is not None
    assert train is not None
    explained = Explained(problem, site.point.moment)
    rows = torch.tensor(spec.examples, device=data.x.device)
    x, y = data.x[rows], data.y[rows]
    with torch.no_grad():
        logit_NC = explained.outputs(x)
    target_N = _targets(spec, problem, y, logit_NC)
    score = explained.score(target_N)
    base = baseline(spec, train.x)
    split = "test" if data is problem.test else "train"
    classified = problem.classes is not None and logit_NC.shape[1] > 1
    running: list[Iterator[Told | Tick]] = []
    for method in dict.fromkeys((spec.method, *spec.compare)):  # what a method refuses is said before anything is shown
        search = _refined(problem, spec, seed, method, score, x, base)
        running.append(chain([next(search)], search))
        yield TICK
    for index, example in enumerate(spec.examples):
        label = int(y[index]) if problem.classes is not None else None
        target, predicted = int(target_N[index]), int(logit_NC[index].argmax()) if logit_NC.shape[1] > 1 else None
        yield SaliencyExample(
            **site.where,
            example=example,
            split=split,
            input=_shown(x[index], problem).cpu().numpy(),
            label=label,
            target=target,
            predicted=predicted,
            correct=predicted == label if classified else None,
            own=spec.target is None if classified else None,
            logit=float(logit_NC[index, target]),
        )
    colours = problem.image is not None and problem.image[0] > 1
    while running:  # by turns, so that all methods have a first picture early
        for search in tuple(running):
            found = next(search, None)
            if found is None:
                running.remove(search)
                continue
            yield TICK
            if isinstance(found, Told):
                signed = found.method not in UNSIGNED
                maps = picture(found.estimate.map, x, signed=signed)
                if found.method == "frequency_integrated_gradients":
                    maps = one_sided(maps)
                shown_signed = signed and not (colours and found.estimate.map.dim() == x.dim())
                for index, example in enumerate(spec.examples):
                    gap = None if found.gap_N is None else float(found.gap_N[index])
                    told = _told(site, found, example, int(target_N[index]), maps[index], gap, shown_signed, problem)
                    yield told.model_copy(update={"weighting": spec.weighting}) if found.method == "cf_cam" else told


@dataclass(frozen=True, eq=False)
class Told:
    """An estimate worth telling: the first, each of twice the samples, and the last."""

    method: Method
    estimate: Estimate
    gap_N: Tensor | None


def _refined(
    problem: Problem, spec: SaliencyAnalysis, seed: int, method: Method, score: Score, x: Tensor, base: Tensor
) -> Iterator[Told | Tick]:
    assert problem.train is not None
    setting = Setting(spec, base, problem.train.x, generator(seed, spec.kind, method), problem.image)
    due = 0
    for found in estimates(method, score, x, setting):
        if found.samples < due and not found.final:
            yield TICK
            continue
        due = 2 * found.samples
        gap_N = completeness_gap(score, x, base, found.map) if method in COMPLETE and found.final else None
        yield Told(method, found, gap_N)


def _targets(spec: SaliencyAnalysis, problem: Problem, y: Tensor, logit_NC: Tensor) -> Tensor:
    if spec.target is not None:
        return torch.full((len(y),), spec.target, device=y.device)
    if problem.classes is not None and logit_NC.shape[1] > 1:
        return y
    return torch.zeros(len(y), dtype=torch.int64, device=y.device)


def _told(
    site: Site, told: Told, example: int, target: int, found: Tensor, gap: float | None, signed: bool, problem: Problem
) -> SaliencyMap:
    _, cap = capped(found[None].nan_to_num())
    return SaliencyMap(
        **site.where,
        method=told.method,
        example=example,
        target=target,
        map=_pictured(found, problem).cpu().numpy(),
        signed=signed,
        scale=float(cap),
        samples=told.estimate.samples,
        final=told.estimate.final,
        completeness_gap=gap,
    )


def _shown(x: Tensor, problem: Problem) -> Tensor:
    """An input as it is looked at: [K, H, W] with channels last, or without the axis of a single one."""
    if x.dim() == 1 and problem.image is not None:
        x = x.view(problem.image)
    if x.dim() != 3:
        return x
    return x[0] if len(x) == 1 else x.permute(1, 2, 0).contiguous()


def _pictured(x: Tensor, problem: Problem) -> Tensor:
    """A row of features as the picture that it is; of several colours, the sum of their sizes."""
    if x.dim() != 1 or problem.image is None:
        return x
    colours = x.view(problem.image)
    return colours[0] if len(colours) == 1 else colours.abs().sum(0)


SALIENCY: Final = Saliency()
