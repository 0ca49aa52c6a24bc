"""Saliency of chosen examples, by several methods side by side.

Shapes: N examples, C outputs, F… an input's own shape.
"""

from typing import Final

import torch
from torch import Tensor

from backend.core.analyses.base import TICK, Context, Events
from backend.core.analyses.curvature import Site, sites
from backend.core.analyses.failures import NotFinite, Unsupported
from backend.core.analyses.places import points_of, started
from backend.core.problems.problem import Data, Problem
from backend.core.runtime.seeding import generator
from backend.core.saliency.explained import BadTarget, Estimate, Explained
from backend.core.saliency.features import NoPictures
from backend.core.saliency.integrated import completeness_gap
from backend.core.saliency.methods import COMPLETE, UNSIGNED, Setting, estimates, picture, square
from backend.core.saliency.metrics import capped
from backend.core.saliency.rules import NoRelu
from backend.schemas.analysis import SaliencyAnalysis
from backend.schemas.analysis.saliency import Method
from backend.schemas.events import SaliencyExample, SaliencyMap


class Saliency:
    """Maps of the same examples at each point: at several steps of a run, how attribution forms."""

    def unsupported(self, problem: Problem, spec: SaliencyAnalysis) -> str | None:
        """Return None, or why there is nothing to explain."""
        data = _split(problem, spec)
        if data is None:
            return "Saliency needs a network on data, and this problem is a function of its parameters alone."
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
        except (BadTarget, NoPictures, NoRelu) as refusal:
            raise Unsupported(str(refusal)) from refusal


def _split(problem: Problem, spec: SaliencyAnalysis) -> Data | None:
    return problem.test if spec.split == "test" and problem.test is not None else problem.train


def _explain(problem: Problem, spec: SaliencyAnalysis, seed: int, site: Site) -> Events:
    data, train = _split(problem, spec), problem.train
    assert data is not None
    assert train is not None
    explained = Explained(problem, site.point.moment)
    rows = torch.tensor(spec.examples, device=data.x.device)
    x, y = data.x[rows], data.y[rows]
    with torch.no_grad():
        logit_NC = explained.outputs(x)
    target_N = _targets(spec, problem, y, logit_NC)
    score = explained.score(target_N)
    base = torch.zeros_like(x[:1]) if spec.baseline == "zero" else train.x.mean(0, keepdim=True)
    split = "test" if data is problem.test else "train"
    for index, example in enumerate(spec.examples):
        yield SaliencyExample(
            **site.where,
            example=example,
            split=split,
            input=_shown(x[index]).cpu().numpy(),
            label=int(y[index]) if problem.classes is not None else None,
            target=int(target_N[index]),
            predicted=int(logit_NC[index].argmax()) if logit_NC.shape[1] > 1 else None,
            logit=float(logit_NC[index, target_N[index]]),
        )
    for method in dict.fromkeys((spec.method, *spec.compare)):
        setting = Setting(spec, base, train.x, generator(seed, spec.kind, method))
        signed = method not in UNSIGNED
        for found in estimates(method, score, x, setting):
            yield TICK
            gap_N = completeness_gap(score, x, base, found.map) if method in COMPLETE and found.final else None
            maps = picture(found.map, x, signed=signed)
            colours = x.dim() == 4 and x.shape[1] > 1 and found.map.dim() == 4
            for index, example in enumerate(spec.examples):
                gap = None if gap_N is None else float(gap_N[index])
                yield _told(
                    site, method, example, int(target_N[index]), maps[index], found, gap, signed and not colours
                )


def _targets(spec: SaliencyAnalysis, problem: Problem, y: Tensor, logit_NC: Tensor) -> Tensor:
    if spec.target is not None:
        return torch.full((len(y),), spec.target, device=y.device)
    if problem.classes is not None and logit_NC.shape[1] > 1:
        return y
    return torch.zeros(len(y), dtype=torch.int64, device=y.device)


def _told(
    site: Site, method: Method, example: int, target: int, found: Tensor, estimate: Estimate, gap: float | None,
    signed: bool,
) -> SaliencyMap:  # fmt: skip
    _, cap = capped(found[None].nan_to_num())
    return SaliencyMap(
        **site.where,
        method=method,
        example=example,
        target=target,
        map=_square(found).cpu().numpy(),
        signed=signed,
        scale=float(cap),
        samples=estimate.samples,
        final=estimate.final,
        completeness_gap=gap,
    )


def _shown(x: Tensor) -> Tensor:
    """An input as it is looked at: [K, H, W] with channels last, or without the axis of a single one."""
    if x.dim() != 3:
        return _square(x)
    return x[0] if len(x) == 1 else x.permute(1, 2, 0).contiguous()


def _square(x: Tensor) -> Tensor:
    """A row of features as the picture it is, where their number is a square (of 4 or more)."""
    sides = square(x.shape)
    return x if sides is None else x.view(sides)


SALIENCY: Final = Saliency()
