"""Where a stand-alone analysis works, what it says first, and how far it is."""

from collections.abc import Sequence

import torch

from backend.core.analyses.base import TICK, Context, Events, Moment, Path, Point, Tick
from backend.core.analyses.failures import NotFinite, Unsupported
from backend.core.geometry.fit import fit_plane
from backend.core.geometry.plane import Plane
from backend.core.problems.problem import BatchNormPolicy, Problem
from backend.schemas.analysis import AnyPlane
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


def plane_at(
    problem: Problem, spec: AnyPlane, points: Sequence[Point], seed: int, extent: float, batchnorm: BatchNormPolicy
) -> Plane:
    """Lay a plane through the first point, or fit it to all the points' paths.

    Args:
        problem: whose parameters it holds.
        spec: which plane.
        points: at least one.
        seed: of the request.
        extent: how far the picture reaches.
        batchnorm: which statistics BatchNorm uses on it.

    Returns:
        The plane.

    Raises:
        NotFinite: where the point that the plane would go through is not finite.
        Unsupported: where a PCA plane has too little to be fitted to.
    """
    start = points[0].moment
    paths = [path for point in points for path in paths_of(point)]
    if spec.kind != "pca" and not bool(torch.isfinite(start.params_P).all()):
        raise NotFinite(f"The parameters at step {start.step} are not finite, so there is no plane through them.")
    plane = fit_plane(spec, problem, start, paths, seed, extent=extent, batchnorm=batchnorm)
    if plane is None:
        count = sum(len(path.moments) for path in paths)
        raise Unsupported(
            f"A PCA plane needs at least two finite moments that differ, and there are {count} here, all alike or not "
            "finite; ask for a point of a run, or take a random plane."
        )
    return plane


def with_progress(work: Events, phase: str, total: int) -> Events:
    """Turn the ticks of a work, one for each of ``total`` pieces, into some 50 progress events."""
    done, stride = 0, max(1, total // 50)
    for event in work:
        if isinstance(event, Tick):
            done += 1
            yield TICK if done % stride else Progress(phase=phase, done=done, total=total)
        else:
            yield event
