"""The loss on a plane, coarse first, then finer.

Shapes: n = m = points a side of a level.
"""

from collections.abc import Sequence

import numpy as np

from backend.core.analyses.base import ALIVE, Context, Events, Point, Tick
from backend.core.analyses.places import lay_plane, points_of, started, with_progress
from backend.core.analyses.trajectory import trace_paths
from backend.core.geometry.evaluate import Evaluator, sample
from backend.core.geometry.fit import unsupported_plane
from backend.core.geometry.grid import coordinates, interpolation_bound, levels, new_points
from backend.core.geometry.plane import Plane
from backend.core.problems.problem import Problem
from backend.schemas.analysis import KeptPlane, PcaPlane, SurfaceAnalysis, ThreePointsPlane
from backend.schemas.events import SurfaceTile


def draw_surface(
    problem: Problem,
    plane: Plane,
    spec: SurfaceAnalysis,
    *,
    step: int | None = None,
    point: int | None = None,
    tune: bool = False,
) -> Events:
    """Evaluate f(a, b) = L(origin + a·u + b·v) on nested grids, one tile as soon as each level is whole.

    Every point is evaluated once, whatever the number of levels: resolution² losses in all, one between two ticks.
    A value that is not finite stays what it is.

    Li et al. 2018, Visualizing the loss landscape of neural nets.

    Args:
        problem: whose loss.
        plane: where; its extent and its BatchNorm policy hold.
        spec: the resolution and the share of the data.
        step: of the race, for a probe.
        point: index of the point, for a stand-alone analysis.
        tune: whether timing may choose how the points are evaluated.

    Yields:
        A ``SurfaceTile`` for each level: 5×5, 9×9 … up to the resolution.
    """
    where = sample(problem, spec.data_fraction, plane.batchnorm)
    evaluator = Evaluator(where, plane.span, tune=tune)
    dtype = str(problem.dtype).removeprefix("torch.")
    loss_NN = np.empty((spec.resolution, spec.resolution), dtype)
    stderr_NN = np.zeros_like(loss_NN)
    known = True  # every cell has a standard error
    for level in levels(spec.resolution):
        axis_n = coordinates(level, plane.extent)
        stride = (spec.resolution - 1) // (level - 1)
        cells = tuple(new_points(level))
        found = yield from evaluator.losses([(axis_n[i].item(), axis_n[j].item()) for i, j in cells])
        places = tuple(np.array(cells).T * stride)
        loss_NN[places] = found.loss_K
        known = known and found.stderr_K is not None
        stderr_NN[places] = 0.0 if found.stderr_K is None else found.stderr_K
        loss_nm = loss_NN[::stride, ::stride].copy()
        yield SurfaceTile(
            step=step,
            point=point,
            plane=plane.id,
            level=level,
            a=axis_n.astype(dtype),
            b=axis_n.astype(dtype),
            loss=loss_nm,
            stderr=stderr_NN[::stride, ::stride].copy() if known else None,
            bound=interpolation_bound(loss_nm),
            data_fraction=where.fraction,
            final=level == spec.resolution,
        )


class Surface:
    """Draws one surface at each point; where the plane is one for all points, or paths are asked for, a single one."""

    def unsupported(self, problem: Problem, spec: SurfaceAnalysis) -> str | None:
        """Return None, or why this problem has no such surface."""
        return unsupported_plane(spec.plane, problem) or problem.check_deterministic()

    def run(self, problem: Problem, spec: SurfaceAnalysis, ctx: Context) -> Events:
        """Yield for each point its plane, the paths on it where they are asked for, then its tiles.

        Raises:
            NotFinite: where a point is not finite.
            Unsupported: where the points give no such plane.
        """
        points = points_of(problem, ctx)
        together = spec.paths or isinstance(spec.plane, PcaPlane | ThreePointsPlane | KeptPlane)
        groups = [points] if together else [(point,) for point in points]
        yield started(problem, points)
        work = self._draw(problem, spec, ctx, groups)
        yield from with_progress(work, "surface", len(groups) * spec.resolution**2)

    def _draw(self, problem: Problem, spec: SurfaceAnalysis, ctx: Context, groups: Sequence[Sequence[Point]]) -> Events:
        for index, points in enumerate(groups):
            plane = yield from lay_plane(
                problem, spec.plane, points, ctx,
                extent=spec.extent, batchnorm=spec.batchnorm, data_fraction=spec.data_fraction,
            )  # fmt: skip
            yield plane.event(plane.origin.step, index)
            if spec.paths:
                for event in trace_paths(problem, plane, points, spec.data_fraction, spec.batchnorm):
                    yield ALIVE if isinstance(event, Tick) else event
            yield from draw_surface(problem, plane, spec, step=plane.origin.step, point=index, tune=ctx.tune)


SURFACE = Surface()
