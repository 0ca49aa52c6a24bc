"""The lanes' paths on a plane, with their true loss and their distance off it."""

from collections.abc import Sequence
from typing import Final

from backend.core.analyses.base import TICK, Context, Events, Path, Point
from backend.core.analyses.places import paths_of, plane_at, points_of, started, with_progress
from backend.core.geometry.evaluate import Sample, sample
from backend.core.geometry.fit import unsupported_plane
from backend.core.geometry.path import Walker, path_points, places
from backend.core.geometry.plane import Plane
from backend.core.problems.problem import Problem
from backend.schemas.analysis import TrajectoryAnalysis

ROWS: Final = 32  # moments of one event


def trace_path(plane: Plane, path: Path, where: Sample, walker: Walker) -> Events:
    """Project a path's moments onto a plane, and evaluate the true loss at each, with the moment's own buffers.

    Args:
        plane: where to.
        path: the moments.
        where: the examples that the loss is measured on.
        walker: whose path it is.

    Yields:
        A ``PathPoints`` for every 32 moments, and a tick after each loss.
    """
    for at in range(0, len(path.moments), ROWS):
        moments = path.moments[at : at + ROWS]
        losses = []
        for moment in moments:
            losses.append(where.loss(moment.params_P, moment.buffers_B))
            yield TICK
        yield path_points(plane, walker, places(plane, moments), losses)


class Trajectory:
    """Draws the paths that led to the points on one plane: through the first point, or fitted to all the paths."""

    def unsupported(self, problem: Problem, spec: TrajectoryAnalysis) -> str | None:
        """Return None, or why this problem has no such plane."""
        return unsupported_plane(spec.plane, problem) or problem.check_deterministic()

    def run(self, problem: Problem, spec: TrajectoryAnalysis, ctx: Context) -> Events:
        """Yield the plane, then each path.

        Raises:
            NotFinite: where the first point is not finite and the plane goes through it.
            Unsupported: where a PCA plane has too little to be fitted to.
        """
        points = points_of(problem, ctx)
        yield started(problem, points)
        plane = plane_at(problem, spec.plane, points, ctx.seed, 1.0, spec.batchnorm)
        ctx.keeper.plane(plane.id, plane.origin, plane.u_P, plane.v_P)
        yield plane.event(plane.origin.step)
        total = sum(len(path.moments) for point in points for path in paths_of(point))
        yield from with_progress(self._trace(problem, spec, plane, points), "trajectory", total)

    def _trace(self, problem: Problem, spec: TrajectoryAnalysis, plane: Plane, points: Sequence[Point]) -> Events:
        where = sample(problem, spec.data_fraction, spec.batchnorm)
        for index, point in enumerate(points):
            for path in paths_of(point):
                walker = Walker(path.lane or None, path.repeat, index)
                yield from trace_path(plane, path, where, walker)


TRAJECTORY = Trajectory()
