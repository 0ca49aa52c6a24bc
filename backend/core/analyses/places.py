"""Where a stand-alone analysis works, what it says first, and how far it is."""

from collections.abc import Generator, Sequence

import torch

from backend.core.analyses.base import TICK, Context, Events, Moment, Path, Point, Tick
from backend.core.analyses.failures import NotFinite, Unsupported
from backend.core.geometry.eigen_plane import eigen_plane, gradient_eigen_plane
from backend.core.geometry.evaluate import sample
from backend.core.geometry.fit import fit_plane
from backend.core.geometry.plane import Plane
from backend.core.geometry.three_points import parallel, three_points_plane
from backend.core.problems.problem import BatchNormPolicy, Problem
from backend.core.runtime.seeding import generator
from backend.schemas.analysis import AnyPlane, EigenPlane, GradientEigenPlane, ThreePointsPlane
from backend.schemas.events import Progress, ResolvedPoint, Started


def points_of(problem: Problem, ctx: Context) -> tuple[Point, ...]:
    """Return the request's points; where it names none, the problem's initial point."""
    return ctx.points or (Point(ResolvedPoint(step=0), Moment(0, *problem.params0(ctx.seed))),)


def started(problem: Problem, points: Sequence[Point]) -> Started:
    """Say where the analysis works."""
    return Started(
        device=str(problem.device),
        dtype=str(problem.dtype).removeprefix("torch."),
        parameters=problem.layout.size,
        examples=0 if problem.train is None else len(problem.train),
        points=tuple(point.resolved for point in points),
    )


def paths_of(point: Point) -> tuple[Path, ...]:
    """Return the kept moments that led to a point; where there are none, the point alone."""
    return point.paths or (Path(point.resolved.lane or "", point.resolved.repeat, (point.moment,)),)


def lay_plane(
    problem: Problem,
    spec: AnyPlane,
    points: Sequence[Point],
    ctx: Context,
    *,
    extent: float = 1.0,
    batchnorm: BatchNormPolicy = "frozen",
    data_fraction: float = 1.0,
) -> Generator[Tick, None, Plane]:
    """Lay a plane through the first point, or through three, or fit it to all the points' paths; and keep it.

    Args:
        problem: whose parameters it holds.
        spec: which plane.
        points: at least one.
        ctx: gives the seed, the planes of other runs, and the keeper.
        extent: how far the picture reaches.
        batchnorm: which statistics BatchNorm uses on it.
        data_fraction: share of the training split that a gradient or a Hessian is of.

    Yields:
        Ticks that count for no piece of the work, while eigenvectors are searched.

    Returns:
        The plane.

    Raises:
        NotFinite: where a point that the plane would go through is not finite.
        Unsupported: where the points give no such plane, or its directions span none.
    """
    start, random, data = points[0].moment, generator(ctx.seed, "plane"), sample(problem, data_fraction).data
    if spec.kind != "pca":
        require_finite(points if spec.kind == "three_points" else points[:1])
    match spec:
        case EigenPlane():
            plane: Plane | None = yield from eigen_plane(spec, problem, start, random, data, extent, batchnorm)
        case GradientEigenPlane():
            plane = yield from gradient_eigen_plane(spec, problem, start, random, data, extent, batchnorm)
        case ThreePointsPlane():
            plane = three_points_plane([point.moment for point in points], extent, batchnorm)
        case _:
            paths = [path for point in points for path in paths_of(point)]
            plane = fit_plane(
                spec, problem, start, paths, ctx.seed, extent=extent, batchnorm=batchnorm, kept=ctx.planes
            )
    if plane is None:
        count = sum(len(path.moments) for point in points for path in paths_of(point))
        raise Unsupported(
            f"A PCA plane needs at least two finite moments that differ, and there are {count} here, all alike or not "
            "finite; ask for a point of a run, or take a random plane."
        )
    sentence = parallel(plane)
    if sentence is not None:
        raise Unsupported(sentence)
    ctx.keeper.plane(plane.id, plane.origin, plane.u_P, plane.v_P, plane.event())
    return plane


def require_finite(points: Sequence[Point]) -> None:
    """Refuse points that nothing can be laid through.

    Raises:
        NotFinite: where a point's parameters are not finite.
    """
    for point in points:
        if not bool(torch.isfinite(point.moment.params_P).all()):
            raise NotFinite(
                f"The parameters at step {point.moment.step} are not finite, so there is no plane or line through "
                "them; take a step before the lane diverged."
            )


def with_progress(work: Events, phase: str, total: int) -> Events:
    """Turn the ticks of a work, whose pieces add up to ``total``, into some 50 progress events."""
    done, told, stride = 0.0, 0, max(1, total // 50)
    for event in work:
        if isinstance(event, Tick):
            done += event.pieces
            whole = min(int(done + 1e-6), total)
            if whole - told >= stride:
                told = whole - whole % stride
                yield Progress(phase=phase, done=told, total=total)
            else:
                yield TICK
        else:
            yield event
