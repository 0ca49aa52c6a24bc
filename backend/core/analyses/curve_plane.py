"""The plane through both ends of a curve and its first bend, with the curve on it.

Shapes: T places along a curve.
"""

from collections.abc import Sequence

from backend.core.analyses.base import Context, Events, Moment, Point
from backend.core.analyses.failures import Unsupported
from backend.core.analyses.surface import draw_surface
from backend.core.geometry.curve import Curve
from backend.core.geometry.path import Walker, path_points, places
from backend.core.geometry.plane import Plane
from backend.core.geometry.three_points import three_points_plane
from backend.core.problems.problem import Problem
from backend.schemas.analysis.connectivity import ConnectivityAnalysis
from backend.schemas.analysis.surface import SurfaceAnalysis


def draw_curve_plane(
    problem: Problem, spec: ConnectivityAnalysis, ctx: Context, curve: Curve, points: Sequence[Point]
) -> Events:
    """Draw the loss on the plane through the ends and the first bend, and both ways on it: straight and curved.

    A quadratic Bézier curve, and a chain with one bend, lie in that plane; of a chain with more bends its shadow is
    drawn, with its distance off the plane. Nothing is drawn where the bend has stayed on the straight line.

    Args:
        problem: whose loss.
        spec: how finely.
        ctx: keeps the plane, so that a ball can be dropped on it.
        curve: the trained curve.
        points: its two ends.

    Yields:
        A ``Plane``, ``PathPoints`` of the curve (point 0) and of the straight line (point 1), and ``SurfaceTile``.
    """
    ends = [point.moment for point in points]
    bend = Moment(0, curve.controls_nP[1], ends[0].buffers_B)
    try:
        plane: Plane | None = three_points_plane([ends[0], ends[1], bend], batchnorm=spec.batchnorm)
    except Unsupported:
        plane = None
    if plane is not None:
        yield from _on(problem, spec, ctx, plane, curve, points)


def _on(
    problem: Problem, spec: ConnectivityAnalysis, ctx: Context, plane: Plane, curve: Curve, points: Sequence[Point]
) -> Events:
    start_B = points[0].moment.buffers_B
    ctx.keeper.plane(plane.id, plane.origin, plane.u_P, plane.v_P)
    yield plane.event(plane.origin.step, 0)
    t_T = [index / (spec.points - 1) for index in range(spec.points)]
    for index, way in enumerate((curve, Curve("chain", curve.controls_nP[[0, -1]]))):
        moments = [Moment(row, way.at(t), start_B) for row, t in enumerate(t_T)]
        resolved = points[index].resolved
        walker = Walker(resolved.lane, resolved.repeat, index)
        yield path_points(plane, walker, places(plane, moments), [float("nan")] * len(moments))
    surface = SurfaceAnalysis(resolution=spec.resolution, batchnorm=spec.batchnorm)
    yield from draw_surface(problem, plane, surface, step=plane.origin.step, point=0, tune=ctx.tune)
