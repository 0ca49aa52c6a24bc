"""Which runs are split over several workers, into how many parts, and who joins what these tell into one run again."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, Protocol

from backend.jobs.engine import Task
from backend.jobs.joint_race import JointRace
from backend.jobs.joint_sweep import JointSweep
from backend.jobs.quilt import Quilt
from backend.schemas.analysis import SurfaceAnalysis, SweepAnalysis
from backend.schemas.events import AnyEvent
from backend.schemas.problem import FunctionProblem
from backend.schemas.run import AnalyseRequest, AnyRequest, TrainRequest

LARGE: Final = 65  # points a side from which a surface is worth it
LONG: Final = 1000  # steps of all lanes and repeats, or evaluations of all runs of a sweep, likewise
MOST: Final = 16  # parts: a picture has so many patches


class Joint(Protocol):
    """Joins what the parts of a run tell."""

    def fold(self, event: AnyEvent) -> Iterator[AnyEvent]:
        """Yield what is to be told of an event of one part."""
        ...

    def part_ended(self, part: int) -> list[AnyEvent]:
        """Return what need no longer wait for a part."""
        ...

    def finish(self) -> list[AnyEvent]:
        """Return the last that is to be told; called once all parts have succeeded."""
        ...


def splits(request: AnyRequest) -> bool:
    """Say whether all workers share this, though some be busy: its parts are over soon, and may follow one another."""
    analysis = request.analysis if isinstance(request, AnalyseRequest) else None
    return isinstance(analysis, SurfaceAnalysis) and analysis.resolution >= LARGE


def pieces(request: AnyRequest) -> int:
    """Count what workers that are free when a run begins can share: its parts begin together, to be steered together.

    These are the lanes and repeats of a race without probes, which would look at all of them, and without a pace; and
    the runs of a sweep. A function's go side by side in one program, and short ones are over before the others begin.

    Args:
        request: of the run.

    Returns:
        How many parts there can be; 1 where it stays whole.
    """
    if isinstance(request, TrainRequest):
        count, each = len(request.lanes) * request.repeats, request.steps
        whole = bool(request.probes) or request.pace is not None
    elif isinstance(request.analysis, SweepAnalysis):
        count, each = len(request.analysis.rules) * request.analysis.rates, request.analysis.budget
        whole = len(request.at) > 1
    else:
        return 1
    worth_it = not whole and not isinstance(request.problem, FunctionProblem) and count * each >= LONG
    return min(count, MOST) if worth_it else 1


def split(task: Task, width: int) -> tuple[Task, ...]:
    """Split a task over all workers.

    Args:
        task: of one part.
        width: how many workers the engine would put on it.

    Returns:
        The parts; one where it cannot be split so, or where there is one worker.
    """
    return _parts(task, min(width, MOST) if splits(task.request) else 1)


def share_out(task: Task, free: int) -> tuple[Task, ...]:
    """Split a task over the workers that are free as it begins.

    Args:
        task: about to begin.
        free: how many workers can take it.

    Returns:
        The parts; the task itself where it stays whole.
    """
    return _parts(task, min(free, pieces(task.request))) if task.parts == 1 else (task,)


def joint(tasks: Sequence[Task]) -> Joint | None:
    """Return what joins the parts of a run; None where there is one, or where they tell of different things."""
    request, parts = tasks[0].request, len(tasks)
    if parts == 1:
        return None
    if isinstance(request, TrainRequest):
        return JointRace(parts) if pieces(request) > 1 else None
    if isinstance(request.analysis, SweepAnalysis):
        return JointSweep(parts, request.analysis.rates)
    return Quilt(parts) if splits(request) else None


def _parts(task: Task, parts: int) -> tuple[Task, ...]:
    return tuple(replace(task, part=part, parts=parts) for part in range(parts))
