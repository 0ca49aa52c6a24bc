"""The lanes' paths on a plane, with their true loss and their distance off it."""

from collections.abc import Sequence
from typing import Final

from backend.core.analyses.base import TICK, Context, Events, Path, Point
from backend.core.analyses.places import lay_plane, paths_of, points_of, started, with_progress
from backend.core.geometry.evaluate import Sample, measure, sample
from backend.core.geometry.fit import unsupported_plane
from backend.core.geometry.path import Walker, path_points, places
from backend.core.geometry.plane import Plane
from backend.core.problems.problem import BatchNormPolicy, Problem
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
            losses.append(measure(where, moment.params_P, moment.buffers_B).loss)
            yield TICK
        yield path_points(plane, walker, places(plane, moments), losses)


def trace_paths(
    problem: Problem, plane: Plane, points: Sequence[Point], data_fraction: float, batchnorm: BatchNormPolicy
) -> Events:
    """Trace the paths that led to each of the points.

    Args:
        problem: whose loss.
        plane: where to.
        points: each with its paths.
        data_fraction: share of the training split that the loss is measured on.
        batchnorm: which statistics BatchNorm uses.

    Yields:
        ``PathPoints`` that name their point, and a tick after each loss.
    """
    where = sample(problem, data_fraction, batchnorm)
    for index, point in enumerate(points):
        for path in paths_of(point):
            yield from trace_path(plane, path, where, Walker(path.lane or None, path.repeat, index))


class Trajectory:
    """Draws the paths that led to the points on one plane: through the first point, or fitted to all the paths."""

    def unsupported(self, problem: Problem, spec: TrajectoryAnalysis) -> str | None:
        """Return None, or why this problem has no such plane."""
        return unsupported_plane(spec.plane, problem) or problem.check_deterministic()

    def run(self, problem: Problem, spec: TrajectoryAnalysis, ctx: Context) -> Events:
        """Yield the plane, then each path.

        Raises:
            NotFinite: where a point that the plane goes through is not finite.
            Unsupported: where the points give no such plane.
        """
        points = points_of(problem, ctx)
        yield started(problem, points)
        plane = yield from lay_plane(
            problem, spec.plane, points, ctx, batchnorm=spec.batchnorm, data_fraction=spec.data_fraction
        )
        yield plane.event(plane.origin.step)
        total = sum(len(path.moments) for point in points for path in paths_of(point))
        work = trace_paths(problem, plane, points, spec.data_fraction, spec.batchnorm)
        yield from with_progress(work, "trajectory", total)


TRAJECTORY = Trajectory()
