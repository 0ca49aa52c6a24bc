"""Statistics of gradients, weights and steps, by layer, at stored moments and along a race.

Shapes: N examples, P parameters in all, p of a layer, L layers.
"""

from collections.abc import Generator, Sequence
from typing import Final

import torch
from torch import Tensor

from backend.core.analyses.base import TICK, Context, Events, Moment, Tick
from backend.core.analyses.curvature import sites
from backend.core.analyses.failures import NotFinite, Unsupported
from backend.core.analyses.gradient_examples import TOLD_APART
from backend.core.analyses.gradient_tellers import TELLERS, Place, Seen
from backend.core.analyses.places import paths_of, points_of, started
from backend.core.gradients.gram import gram
from backend.core.gradients.moments import moments
from backend.core.gradients.per_sample import TooLarge, per_sample, refusal
from backend.core.problems.problem import Data, Problem
from backend.schemas.analysis import GradientStatsAnalysis
from backend.schemas.events import Event
from backend.schemas.events import GradientStats as Told


class GradientStats:
    """Each statistic asked for, an event each."""

    def unsupported(self, problem: Problem, spec: GradientStatsAnalysis) -> str | None:
        """Return None, or why this problem has no such statistics."""
        if problem.train is None:
            return (
                "These statistics need a network on data, and this problem has no examples; look at its curvature "
                "instead."
            )
        for name in ("class_cosine", "conflict"):
            if name in spec.statistics and problem.classes is None:
                return f"Classes are compared where there are any, and this is a regression; leave {name} out."
        if "mode_responses" in spec.statistics and problem.classes != 2:
            kind = "a regression" if problem.classes is None else f"a problem of {problem.classes}"
            return f"Margins and their modes are those of two classes, and this is {kind}; leave mode_responses out."
        return problem.check_deterministic() or refusal(problem, min(spec.examples, len(problem.train)), spec.budget_mb)

    def run(self, problem: Problem, spec: GradientStatsAnalysis, ctx: Context) -> Events:
        """Yield a ``GradientStats`` for each point and statistic.

        Raises:
            NotFinite: where a point is not finite.
            Unsupported: where the gradients do not fit the memory that they may take, or nothing of what was asked for
                is known at a point.
        """
        points = points_of(problem, ctx)
        yield started(problem, points)
        for site in sites(problem, ctx, spec.kind):
            moments = paths_of(site.point)[0].moments
            trail = tuple(moment for moment in moments if moment.step <= site.point.moment.step)
            place = Place(site, _update(moments, site.point.moment), trail or (site.point.moment,))
            if not bool(torch.isfinite(site.point.moment.params_P).all()):
                raise NotFinite(f"The parameters at step {site.point.moment.step} are not finite.")
            told = False
            for event in self.look(problem, spec, place):
                told = told or isinstance(event, Event)
                yield event
            if not told:
                raise Unsupported(
                    f"{', '.join(spec.statistics)}: told of the steps that led to a moment, and those before step "
                    f"{site.point.moment.step} are not kept; switch the statistics on in a race, or ask for others."
                )

    def look(self, problem: Problem, spec: GradientStatsAnalysis, place: Place) -> Events:
        """Tell every statistic at a place; one that needs the step before is left out where that is not known.

        Yields:
            Events, ticks between.

        Raises:
            Unsupported: where the gradients do not fit the memory that they may take.
        """
        data = _front(problem, spec.examples)
        try:
            seen = yield from _see(problem, spec, place.site.point.moment, data)
        except TooLarge as refusal:
            raise Unsupported(str(refusal)) from refusal
        for name in spec.statistics:
            if name in TOLD_APART:
                yield from TOLD_APART[name](problem, place, seen, data)
            else:
                for found in TELLERS[name](problem, spec, place, seen, data):
                    if isinstance(found, Tick):
                        yield found
                    else:
                        yield Told(**place.site.where, statistic=name, examples=len(data), **found)
            yield TICK


def _front(problem: Problem, count: int) -> Data:
    data = problem.train
    assert data is not None
    return Data(data.x[:count], data.y[:count])


def _update(moments: Sequence[Moment], now: Moment) -> Tensor | None:
    before = [moment for moment in moments if moment.step == now.step - 1]
    return now.params_P - before[0].params_P if before else None


def _see(problem: Problem, spec: GradientStatsAnalysis, moment: Moment, data: Data) -> Generator[Tick, None, Seen]:
    """Gather layer by layer, so that no more than one layer's gradients are held."""
    seen: tuple[list[str], list[Tensor], list[Tensor], list[Tensor]] = ([], [], [], [])
    part = None
    for part in per_sample(problem, moment, data, budget_mb=spec.budget_mb):
        seen[0].append(part.layer.name)
        seen[1].append(gram(part).double())
        mean_p, variance_p = moments(part)
        seen[2].append(mean_p**2)
        seen[3].append(mean_p**2 / variance_p)
        yield TICK
    assert part is not None
    return Seen(*seen, part)


GRADIENT_STATS: Final = GradientStats()
