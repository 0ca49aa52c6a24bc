"""What lies at a request's points: the worker's half. Torch and the core are imported when it is first called."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from numpy.typing import NDArray

from backend.jobs.blobs import Place
from backend.jobs.custom_file import definitions
from backend.jobs.dataset_files import DatasetFiles
from backend.jobs.engine import Source, Task
from backend.jobs.errors import NotFinite, Unsupported
from backend.jobs.points import points_of
from backend.jobs.snapshot_files import (
    KeptMoment,
    has_plane,
    list_snapshots,
    read_checkpoints,
    read_moments,
    read_plane,
)
from backend.jobs.weights.folder import read_checkpoint
from backend.jobs.weights.matched import matched
from backend.schemas.events import ResolvedPoint
from backend.schemas.point import InitPoint, RunPoint
from backend.schemas.run import TrainRequest

if TYPE_CHECKING:
    from torch import Tensor

    from backend.core.analyses.base import LaidPlane, LaneState, Moment, Path, Point
    from backend.core.problems.problem import Problem

NAMED: Final = 3  # tensors of a point that is not finite


def load_points(task: Task, problem: "Problem") -> "tuple[Point, ...]":
    """Load the points of a task's request in order; without any, an analysis works at the initial point.

    Args:
        task: with a source for every point that lies on disk.
        problem: the request's.

    Returns:
        One point for each of the request's, or the initial point.

    Raises:
        Unsupported: where a point belongs to a problem of another size, or has been deleted.
        NotFinite: where a point's parameters are NaN or infinite.
    """
    from backend.core.analyses.base import Moment, Point

    sources = iter(task.sources)
    points = []
    for path, point in points_of(task.request):
        loaded = (
            _initial(point, task, problem) if isinstance(point, InitPoint) else _stored(next(sources), task, problem)
        )
        _check(path, loaded, problem)
        points.append(loaded)
    if not points and not isinstance(task.request, TrainRequest):
        params_P, buffers_B = problem.params0(task.request.seed)
        points.append(Point(ResolvedPoint(step=0), Moment(0, params_P, buffers_B)))
    return tuple(points)


def load_planes(task: Task, problem: "Problem") -> "dict[str, LaidPlane]":
    """Load the kept planes that a task's request names.

    Args:
        task: with a source for every such plane.
        problem: the request's.

    Returns:
        The planes by their ids.

    Raises:
        Unsupported: where a plane has gone since, or was kept by an earlier version without its description.
    """
    from backend.core.analyses.base import LaidPlane

    found = {}
    for source in task.planes:
        name = source.resolved.plane or ""
        if not has_plane(source.folder, name):
            raise Unsupported(f"run {source.resolved.run} no longer has the plane {name!r}")
        kept = read_plane(source.folder, name)
        if kept.about is None:
            raise Unsupported(
                f"the plane {name!r} of run {source.resolved.run} was kept without its description",
                hint="Draw the surface again, and take that run's plane.",
            )
        origin = _moment(kept.origin, problem)
        found[name] = LaidPlane(origin, _tensor(kept.u_P, problem), _tensor(kept.v_P, problem), kept.about)
    return found


def load_states(task: Task) -> "tuple[LaneState, ...]":
    """Load the lanes' checkpoints of the run that a task resumes, the last ones at or before the step it asks for.

    Returns:
        A state for each lane; none where the task does not resume.
    """
    if not isinstance(task.request, TrainRequest) or not task.request.resume:
        return ()
    import torch

    from backend.core.analyses.base import LaneState

    source, asked = task.sources[0], isinstance(task.request.origin, RunPoint) and task.request.origin.step is not None
    return tuple(
        LaneState(
            lane=kept.lane,
            repeat=kept.repeat,
            step=kept.step,
            tensors={name: torch.from_numpy(array.copy()) for name, array in kept.arrays.items()},
            values=kept.values,
        )
        for kept in read_checkpoints(source.folder, source.resolved.step if asked else None)
    )


def _initial(point: InitPoint, task: Task, problem: "Problem") -> "Point":
    from backend.core.analyses.base import Moment, Point
    from backend.core.problems.build import build_problem

    files, known = DatasetFiles(task.datasets), definitions(task.custom)
    there = build_problem(point.init, problem.dtype, problem.device, files, known)
    params_P, buffers_B = there.params0(point.seed)
    return Point(ResolvedPoint(step=0), Moment(0, params_P, buffers_B))


def _stored(source: Source, task: Task, problem: "Problem") -> "Point":
    from backend.core.analyses.base import Moment, Point

    resolved = source.resolved
    if resolved.checkpoint is not None:
        entries = problem.layout.entries, problem.buffer_layout.entries
        found = matched(resolved.checkpoint, read_checkpoint(source.folder), *entries)
        resolved = resolved.model_copy(update={"unused": found.unused})
        return Point(resolved, _moment(KeptMoment(0, found.params_P, found.buffers_B), problem))
    if resolved.plane is not None:
        plane = read_plane(source.folder, resolved.plane)
        params_P = plane.origin.params_P + (resolved.a or 0.0) * plane.u_P + (resolved.b or 0.0) * plane.v_P
        place = KeptMoment(0, params_P, plane.origin.buffers_B)  # a ball that is dropped starts at step 0
        return Point(resolved, _moment(place, problem))
    along = not isinstance(task.request, TrainRequest)  # training needs the place alone, not the way there
    paths = tuple(_paths(source.folder, resolved, problem, along))
    if not paths or not paths[0].moments:
        raise Unsupported(f"run {resolved.run} no longer has the snapshots it had when this run was asked for")
    first = paths[0].moments
    here = min(
        first, key=lambda moment: abs(moment.step - (first[-1].step if resolved.step is None else resolved.step))
    )
    return Point(resolved, Moment(here.step, here.params_P, here.buffers_B), paths if along else ())


def _paths(folder: Place, resolved: ResolvedPoint, problem: "Problem", along: bool) -> "Iterator[Path]":
    from backend.core.analyses.base import Path

    kept = list_snapshots(folder)
    lanes = list(dict.fromkeys(s.lane for s in kept)) if resolved.lane is None else [resolved.lane]
    for lane in lanes if along else lanes[:1]:
        steps = [s.step for s in kept if (s.lane, s.repeat) == (lane, resolved.repeat)]
        if resolved.step is not None:
            steps = [step for step in steps if (step <= resolved.step if along else step == resolved.step)]
        moments = read_moments(folder, lane, resolved.repeat, steps)
        yield Path(lane, resolved.repeat, tuple(_moment(moment, problem) for moment in moments))


def _moment(kept: KeptMoment, problem: "Problem") -> "Moment":
    from backend.core.analyses.base import Moment

    return Moment(kept.step, _tensor(kept.params_P, problem), _tensor(kept.buffers_B, problem))


def _tensor(array: NDArray[Any], problem: "Problem") -> "Tensor":
    import torch

    return torch.from_numpy(array.copy()).to(device=problem.device, dtype=problem.dtype)


def _check(path: str, point: "Point", problem: "Problem") -> None:
    """Refuse a point that the problem cannot be evaluated at."""
    found: Sequence[int] = (point.moment.params_P.numel(), point.moment.buffers_B.numel())
    expected = (problem.layout.size, problem.buffer_layout.size)
    if found[0] != expected[0] or found[1] != expected[1]:
        raise Unsupported(
            f"the problem has {expected[0]} parameters and {expected[1]} buffer values, but the point has "
            f"{found[0]} and {found[1]}",
            hint="Use the problem that the point comes from, or leave problem out.",
            where=path,
        )
    if not bool(point.moment.params_P.isfinite().all()):
        raise _not_finite(path, point, problem)


def _not_finite(path: str, point: "Point", problem: "Problem") -> NotFinite:
    """Say that a point's parameters are NaN or infinite, and what to take instead: an earlier step, another file."""
    parts = problem.layout.unflatten(point.moment.params_P).items()
    names = [f"“{name}”" for name, value in parts if not bool(value.isfinite().all())]
    bad = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    if point.resolved.checkpoint is not None:
        return NotFinite(
            f"the weights in the file {point.resolved.checkpoint!r} are not finite: NaN or infinity in {bad}",
            hint="Save the weights of a step before the training diverged, and upload those.",
            where=path,
        )
    return NotFinite(
        f"the parameters at this point are not finite: the lane has diverged there (NaN or infinity in {bad})",
        hint="Take an earlier step of the lane.",
        where=path,
    )
