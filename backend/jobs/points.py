"""Where a request's points lie on disk: the service's half (no torch), before the run is stored."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backend.jobs.blobs import Place as Folder
from backend.jobs.engine import Source
from backend.jobs.errors import NotFound, invalid_field
from backend.jobs.snapshot_files import has_plane, list_snapshots
from backend.schemas.analysis import AnyAnalysis, KeptPlane, SurfaceAnalysis, TrajectoryAnalysis
from backend.schemas.events import ResolvedPoint
from backend.schemas.point import AnyPoint, CheckpointPoint, InitPoint, PlanePoint, RunPoint
from backend.schemas.problem import AnyProblem, CustomProblem, FunctionProblem, PdeProblem
from backend.schemas.run import REQUEST, AnyRequest, Run, TrainRequest
from backend.schemas.snapshot import KeptSnapshot

Place = RunPoint | InitPoint | PlanePoint | CheckpointPoint
NAME: Final = re.compile(r"(?P<run>[0-9a-hjkmnp-tv-z]{15})/(?P<lane>.+)/(?P<step>\d{1,9}|last)")  # of a kept moment
FILE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # of a checkpoint file


@dataclass(frozen=True)
class Resolved:
    """A request whose points are known to be there; its problem is filled in from them where it had none."""

    request: AnyRequest
    sources: tuple[Source, ...]
    parent: str | None  # the run that it goes on from
    planes: tuple[Source, ...] = ()  # of the kept planes that it names


@dataclass(frozen=True)
class Archive:
    """How stored runs are found."""

    run: Callable[[str], Run | None]
    folder: Callable[[str], Folder]
    checkpoint: Callable[[str], Path]  # of a file by its name; NotFound where there is none


def request_of(run: Run) -> AnyRequest:
    """Read the request of a stored run."""
    return REQUEST.validate_json(json.dumps(run.request))


def points_of(request: AnyRequest) -> tuple[tuple[str, Place], ...]:
    """Return a request's points with the path of each in the request; a kept moment's name as the moment it names.

    Raises:
        InvalidRequest: where a name is none of a kept moment.
    """
    if isinstance(request, TrainRequest):
        return () if request.origin is None else (("origin", _place("origin", request.origin)),)
    return tuple((f"at.{i}", _place(f"at.{i}", point)) for i, point in enumerate(request.at))


def _place(path: str, point: AnyPoint) -> Place:
    if not isinstance(point, CheckpointPoint) or FILE.fullmatch(point.checkpoint):
        return point
    named = NAME.fullmatch(point.checkpoint)
    if named is None:
        raise invalid_field(
            f"{path}.checkpoint",
            f"expected the name of a moment that a run has kept, as RUN/LANE/STEP or RUN/LANE/last, got "
            f"{point.checkpoint!r}; GET /api/runs/RUN/snapshots lists them, GET /api/checkpoints the files",
        )
    step = None if named["step"] == "last" else int(named["step"])
    return RunPoint(run=named["run"], lane=named["lane"], step=step)


def resolve(request: AnyRequest, archive: Archive) -> Resolved:
    """Find every point of a request; a step that was not kept becomes the nearest kept one.

    Args:
        request: as it came.
        archive: the stored runs.

    Returns:
        The request with its problem, its points' places, and its parent.

    Raises:
        invalid_field: where a run, lane, repeat, plane or file is not there, or the points of an analysis are of
            different architectures, naming the field.
    """
    points = points_of(request)
    planes = tuple(_plane_source(path, plane, archive) for path, plane in kept_planes_of(request))
    sources = tuple(
        _source(path, point, request, archive) for path, point in points if not isinstance(point, InitPoint)
    )
    parent = next((source.resolved.run for source in sources), None)
    if request.problem is None and points and isinstance(points[0][1], CheckpointPoint):
        raise invalid_field("problem", "a checkpoint file does not say what it belongs to; give its problem")
    if request.problem is None:
        problem = _problem(*points[0], archive)
        double = {"dtype": "float64"} if _wants_double(problem, request) else {}
        request = request.model_copy(update={"problem": problem, **double})
    if not isinstance(request, TrainRequest):
        _require_one_architecture(points, archive)
    return Resolved(request, sources, parent, planes)


def kept_planes_of(request: AnyRequest) -> tuple[tuple[str, KeptPlane], ...]:
    """Return the kept planes that a request names, each with its path in the request."""
    analyses: list[tuple[str, AnyAnalysis]]
    if isinstance(request, TrainRequest):
        analyses = [(f"probes.{i}.analysis", probe.analysis) for i, probe in enumerate(request.probes)]
    else:
        analyses = [("analysis", request.analysis)]
    return tuple(
        (f"{path}.plane", analysis.plane)
        for path, analysis in analyses
        if isinstance(analysis, SurfaceAnalysis | TrajectoryAnalysis) and isinstance(analysis.plane, KeptPlane)
    )


def _plane_source(path: str, plane: KeptPlane, archive: Archive) -> Source:
    if archive.run(plane.run) is None:
        raise invalid_field(f"{path}.run", f"there is no run {plane.run!r}")
    folder = archive.folder(plane.run)
    if not has_plane(folder, plane.plane):
        raise invalid_field(f"{path}.plane", f"run {plane.run} has kept no plane {plane.plane!r}")
    return Source(folder, ResolvedPoint(run=plane.run, plane=plane.plane))


def _require_one_architecture(points: tuple[tuple[str, Place], ...], archive: Archive) -> None:
    """Refuse points whose parameters do not mean the same."""
    first = ""
    for path, point in points:
        if isinstance(point, CheckpointPoint):  # matched by name and shape where it is read
            continue
        found = _architecture(_problem(path, point, archive))
        first = first or found
        if found != first:
            raise invalid_field(
                path, f"expected a point of the same architecture as the first ({first}), got one of {found}"
            )


def _architecture(problem: AnyProblem) -> str:
    if isinstance(problem, FunctionProblem):
        return f"the function {problem.function.kind}"
    if isinstance(problem, CustomProblem):
        settings = problem.custom.parameters
        return " with ".join(
            [problem.custom.name, *([", ".join(f"{k} {v}" for k, v in settings.items())] if settings else [])]
        )
    if isinstance(problem, PdeProblem):
        model = {**problem.pde.ansatz.model_dump(), "coordinates": problem.pde.coordinates}
    else:
        model = problem.model.model_dump(exclude={"init", "init_gain"})
    return f"{model.pop('kind')} with {', '.join(f'{name} {_short(value)}' for name, value in model.items())}"


def _short(value: object) -> str:
    return "-".join(str(each) for each in value) if isinstance(value, tuple | list) else str(value)


def _wants_double(problem: AnyProblem, request: AnyRequest) -> bool:
    """Whether nothing was said about the number format of what turns out to be a differential equation."""
    return isinstance(problem, PdeProblem) and "dtype" not in request.model_fields_set


def _source(path: str, point: RunPoint | PlanePoint | CheckpointPoint, request: AnyRequest, archive: Archive) -> Source:
    if isinstance(point, CheckpointPoint):
        try:
            return Source(archive.checkpoint(point.checkpoint), ResolvedPoint(checkpoint=point.checkpoint, step=0))
        except NotFound as error:
            raise invalid_field(f"{path}.checkpoint", error.detail.message) from None
    if archive.run(point.run) is None:
        raise invalid_field(f"{path}.run", f"there is no run {point.run!r}")
    folder = archive.folder(point.run)
    if isinstance(point, PlanePoint):
        if not has_plane(folder, point.plane):
            raise invalid_field(f"{path}.plane", f"run {point.run} has kept no plane {point.plane!r}")
        return Source(folder, ResolvedPoint(run=point.run, plane=point.plane, a=point.a, b=point.b))
    kept = list_snapshots(folder)
    if not kept:
        raise invalid_field(f"{path}.run", f"run {point.run} has kept no snapshots (yet), so it has no such point")
    lanes = list(dict.fromkeys(snapshot.lane for snapshot in kept))
    if point.lane is not None and point.lane not in lanes:
        raise invalid_field(f"{path}.lane", f"expected one of {', '.join(lanes)}; got {point.lane!r}")
    resumes = isinstance(request, TrainRequest) and request.resume
    step = _nearest(path, point, point.lane or lanes[0], kept, resumes)
    return Source(folder, ResolvedPoint(run=point.run, lane=point.lane, repeat=point.repeat, step=step))


def _nearest(path: str, point: RunPoint, lane: str, kept: list[KeptSnapshot], resumes: bool) -> int:
    mine = [snapshot for snapshot in kept if snapshot.lane == lane]
    repeats = sorted({snapshot.repeat for snapshot in mine})
    if point.repeat not in repeats:
        raise invalid_field(f"{path}.repeat", f"expected one of {repeats}, got {point.repeat}")
    steps = [s.step for s in mine if s.repeat == point.repeat and (s.resumable or not resumes)]
    if not steps:
        raise invalid_field(path, f"lane {lane!r} of run {point.run} has kept no checkpoint to resume from")
    wanted = max(steps) if point.step is None else point.step
    return min(steps, key=lambda step: (abs(step - wanted), step))


def _problem(path: str, point: Place, archive: Archive) -> AnyProblem:
    """Return what was trained, or analysed, at a point; a run of points is followed back to its problem."""
    if isinstance(point, InitPoint):
        return point.init
    if isinstance(point, CheckpointPoint):
        raise invalid_field(f"{path}.checkpoint", "a checkpoint file does not say what it belongs to; give problem")
    run = archive.run(point.run)
    if run is None:
        raise invalid_field(
            f"{path}.run", f"run {point.run!r}, on which this one builds, has been deleted; give problem"
        )
    request = request_of(run)
    return _problem(path, points_of(request)[0][1], archive) if request.problem is None else request.problem
