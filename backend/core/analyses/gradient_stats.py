"""Statistics of gradients, weights and steps, by layer, at stored moments and along a race.

Shapes: N examples, P parameters in all, p of a layer, L layers.
"""

from collections.abc import Generator, Iterator, Sequence
from typing import Any, Final

import torch
from torch import Tensor

from backend.core.analyses.base import TICK, Context, Events, Moment, Tick
from backend.core.analyses.curvature import sites
from backend.core.analyses.failures import NotFinite, Unsupported
from backend.core.analyses.gradient_tellers import TELLERS, Place, Seen
from backend.core.analyses.places import paths_of, points_of, started
from backend.core.gradients.gram import gram
from backend.core.gradients.opposing import group_cosine, opposing
from backend.core.gradients.per_sample import TooLarge, per_sample
from backend.core.gradients.signal_to_noise import signal_to_noise
from backend.core.problems.problem import Data, Problem
from backend.core.saliency.methods import square
from backend.schemas.analysis import GradientStatsAnalysis
from backend.schemas.events import GradientStats as Told
from backend.schemas.events import Opposition

GROUP: Final = 8  # examples at each end of the change of loss


class GradientStats:
    """Each statistic asked for, an event each."""

    def unsupported(self, problem: Problem, spec: GradientStatsAnalysis) -> str | None:
        """Return None, or why this problem has no such statistics."""
        if problem.train is None:
            return (
                "These statistics need a network on data, and this problem has no examples; look at its curvature "
                "instead."
            )
        if "class_cosine" in spec.statistics and problem.classes is None:
            return "Cosines between classes need classes, and this is a regression; leave class_cosine out."
        return problem.check_deterministic()

    def run(self, problem: Problem, spec: GradientStatsAnalysis, ctx: Context) -> Events:
        """Yield a ``GradientStats`` for each point and statistic.

        Raises:
            NotFinite: where a point is not finite.
            Unsupported: where the gradients do not fit the memory that they may take.
        """
        points = points_of(problem, ctx)
        yield started(problem, points)
        for site in sites(problem, ctx, spec.kind):
            moments = paths_of(site.point)[0].moments
            place = Place(site, _update(moments, site.point.moment), moments[0].params_P)
            if not bool(torch.isfinite(site.point.moment.params_P).all()):
                raise NotFinite(f"The parameters at step {site.point.moment.step} are not finite.")
            yield from self.look(problem, spec, place)

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
            if name == "opposing":
                yield from _oppose(problem, place, data)
            else:
                for found in TELLERS[name](problem, spec, place, seen, data):
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
        seen[2].append(part.grad_Np.mean(0) ** 2)
        seen[3].append(signal_to_noise(part.grad_Np))
        yield TICK
    assert part is not None
    return Seen(*seen, part)


def _oppose(problem: Problem, place: Place, data: Data) -> Iterator[Opposition]:
    if place.update_P is None or len(data) < 2 * GROUP:
        return
    moment = place.site.point.moment
    before = Moment(moment.step - 1, moment.params_P - place.update_P, moment.buffers_B)
    with torch.no_grad():
        losses = [_each(problem, when, data) for when in (before, moment)]
    found = opposing(losses[0], losses[1], GROUP)
    chosen = torch.cat([found.helped, found.hurt])
    parts = per_sample(problem, before, Data(data.x[chosen], data.y[chosen]))
    grad_NP = torch.cat([part.grad_Np for part in parts], 1)
    own = found._replace(helped=torch.arange(GROUP), hurt=torch.arange(GROUP, 2 * GROUP))
    yield Opposition(
        **place.site.where,
        helped=tuple(found.helped.tolist()),
        hurt=tuple(found.hurt.tolist()),
        change=found.change_N[chosen].cpu().double().numpy(),
        cosine=group_cosine(grad_NP, own),
        pictures=_pictures(data.x[chosen]),
    )


def _each(problem: Problem, moment: Moment, data: Data) -> Tensor:
    outputs = problem.outputs(moment.params_P, moment.buffers_B, data.x)
    rows = [problem.criterion(outputs[i : i + 1], data.y[i : i + 1]) for i in range(len(data))]
    return torch.stack(rows)


def _pictures(x: Tensor) -> Any:
    if x.dim() == 4:
        return x.mean(1).cpu().numpy()
    sides = square(x.shape[1:])
    return None if sides is None else x.view(len(x), *sides).cpu().numpy()


GRADIENT_STATS: Final = GradientStats()
