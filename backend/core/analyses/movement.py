"""Movement: how long a lane's steps are and how far they led, along a race and at stored moments."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from torch import Tensor

from backend.core.analyses.base import TICK, Context, Events, Moment
from backend.core.analyses.curvature import Where, sites
from backend.core.analyses.places import paths_of, points_of, started
from backend.core.analyses.race import Push
from backend.core.geometry.movement import movement
from backend.core.problems.problem import Problem
from backend.schemas.analysis import MovementAnalysis
from backend.schemas.events import Movement as Told


@dataclass(frozen=True, eq=False)
class Way:
    """A moment, where it began, and what is known of the step that led there.

    Attributes:
        moment: where it is.
        start: what distance and rotation are measured from.
        update_P: the newest step; None where the moment before is not known.
        push: what that step answered; None where that is not known.
    """

    moment: Moment
    start: Moment
    update_P: Tensor | None = None
    push: Push | None = None


class Movement:
    """No gradient is taken: what the race has done already is measured."""

    def unsupported(self, problem: Problem, spec: MovementAnalysis) -> str | None:
        """Return None: whatever has parameters moves."""
        return None

    def run(self, problem: Problem, spec: MovementAnalysis, ctx: Context) -> Events:
        """Yield a ``Movement`` for each kept moment on the way to each point.

        Distance and rotation are known at all of them; a step's length where the moment before it was kept; the
        gradient that it answered, and so the effective step, at none.
        """
        yield started(problem, points_of(problem, ctx))
        for site in sites(problem, ctx, spec.kind):
            kept = [moment for moment in paths_of(site.point)[0].moments if moment.step < site.point.moment.step]
            trail = [*kept, site.point.moment]
            yield from self.look(problem, spec, site.where, Way(trail[0], trail[0]))
            for before, moment in pairwise(trail):
                update_P = moment.params_P - before.params_P if before.step == moment.step - 1 else None
                yield from self.look(problem, spec, site.where, Way(moment, trail[0], update_P))

    def look(self, problem: Problem, spec: MovementAnalysis, where: Where, way: Way) -> Events:
        """Yield the ``Movement`` at one moment."""
        grad_P, lr = (None, None) if way.push is None else (way.push.grad_P, way.push.lr)
        found = movement(
            problem.layout, way.moment.params_P, way.start.params_P, way.update_P, grad_P, by_layer=spec.layers
        )
        yield Told(
            lane=where["lane"],
            repeat=where["repeat"],
            step=way.moment.step,
            point=where["point"],
            layer=found.names,
            effective_step=found.effective_step_L.numpy(),
            update_ratio=found.update_ratio_L.numpy(),
            distance=found.distance_L.numpy(),
            rotation=found.rotation_L.numpy(),
            lr=lr,
        )
        yield TICK


MOVEMENT: Final = Movement()
