"""The one function every engine runs: a task from its request to its end, as lists of events."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from backend.jobs.controls import ControlBox
from backend.jobs.custom_file import definitions
from backend.jobs.dataset_files import DatasetFiles
from backend.jobs.engine import Ended, Task
from backend.jobs.errors import Unsupported
from backend.jobs.failures import failure_of
from backend.jobs.keeper import DiskKeeper
from backend.jobs.outbox import Outbox, Send
from backend.jobs.workshop import Workshop
from backend.schemas.events import AnyEvent, Progress, ResolvedPoint, Started
from backend.schemas.run import AnyRequest, TrainRequest

if TYPE_CHECKING:
    from backend.core.analyses.base import Events
    from backend.core.problems.problem import Problem

LAST_WORDS: Final = 1.0  # seconds that a cancelled race has for telling how its lanes ended
GLANCE: Final = 0.05  # seconds between two looks around while the disk is full
NO_ROOM: Final = "waiting for room on the disk"


@dataclass(frozen=True)
class _Work:
    """An analysis about to begin."""

    started: Started
    events: "Events"


def run_task(task: Task, controls: ControlBox, workshop: Workshop) -> Generator[list[AnyEvent], None, Ended]:
    """Build what a task needs, and run it to its end.

    Args:
        task: with everything in it.
        controls: what is asked of it meanwhile.
        workshop: where the analysis comes from.

    Yields:
        New events; none where there is nothing to say, so that the engine can look around at least every 50 ms.

    Returns:
        How it ended. An exception is an ending, too.
    """
    keeper = None if task.folder is None else DiskKeeper(task.folder, task.part)
    try:
        work = _prepare(task, controls, keeper, workshop)
        for told in _obeying(work, controls, patient=isinstance(task.request, TrainRequest)):
            if keeper is not None:
                keeper.flush_when_due()
            yield [event.model_copy(update={"part": task.part}) for event in told] if task.part else told
            if keeper is not None and keeper.full:
                yield from _room(keeper, controls, task.part)
        if keeper is not None:
            keeper.flush()
            yield from _room(keeper, controls, task.part)
    except Exception as error:
        ended = Ended("failed", failure_of(error))
    else:
        ended = Ended("succeeded" if controls.cancelled_at is None else "cancelled")
    return ended


def drive(
    task: Task,
    controls: ControlBox,
    send: Send,
    workshop: Workshop,
    between: Callable[[], None] = lambda: None,
) -> Ended:
    """Run a task to its end, sending its events in batches.

    Args:
        task: with everything in it.
        controls: what is asked of it meanwhile.
        send: takes events.
        workshop: where the analysis comes from.
        between: is called between any two pieces of the work.

    Returns:
        How it ended.
    """
    outbox = Outbox(send)
    work = run_task(task, controls, workshop)
    try:
        while True:
            outbox.add(next(work))
            between()
    except StopIteration as stop:
        ended: Ended = stop.value
        return ended
    finally:
        outbox.close()


def _prepare(task: Task, controls: ControlBox, keeper: DiskKeeper | None, workshop: Workshop) -> _Work:
    """Build the problem, load the points, and start the analysis.

    Returns:
        What to say first, and the analysis, which has not begun.

    Raises:
        Unsupported: where the analysis does not go with the problem.
    """
    import torch

    from backend.core.analyses.base import Context, Forget
    from backend.core.problems.build import build_problem
    from backend.core.runtime.device import choose_device
    from backend.jobs.moments import load_planes, load_points, load_states

    request = task.request
    if request.problem is None:
        raise Unsupported("this run has no problem: its points lead to none", hint="Give problem in the request.")
    dtype: torch.dtype = getattr(torch, request.dtype)
    device = choose_device(request.device, dtype)
    files, known = DatasetFiles(task.datasets), definitions(task.custom)
    problem = build_problem(request.problem, dtype, device, files, known)
    _require_batches(request, problem)
    analysis, spec = workshop.analysis(request)
    sentence = analysis.unsupported(problem, spec)
    if sentence is not None:
        raise Unsupported(sentence)
    context = Context(
        seed=request.seed,
        points=load_points(task, problem),
        planes=load_planes(task, problem),
        controls=controls.take,
        keeper=keeper or Forget(),
        resume=load_states(task),
        tune=request.tune,
        part=task.part,
        parts=task.parts,
        idle=controls.idle,
        threads=task.threads,
    )
    started = _started(task, problem, tuple(point.resolved for point in context.points))
    return _Work(started, analysis.run(problem, spec, context))


def _require_batches(request: AnyRequest, problem: "Problem") -> None:
    """Refuse batches larger than the data, where the request alone could not tell."""
    size = request.batch_size if isinstance(request, TrainRequest) else None
    if size is not None and problem.train is not None and size > len(problem.train):
        raise Unsupported(
            f"batch_size is {size}, and the problem has {len(problem.train)} training examples",
            hint="Take a smaller batch_size, or null for all of them.",
            where="batch_size",
        )


def _room(keeper: DiskKeeper, controls: ControlBox, part: int) -> Generator[list[AnyEvent], None, None]:
    """Hold the work until the disk has room for what is kept, or it is cancelled.

    Yields:
        That it waits, once; then nothing, so that the engine can look around.
    """
    if keeper.full:
        yield [Progress(part=part, phase=NO_ROOM, done=0, total=1)]
    while keeper.full and controls.cancelled_at is None:
        controls.idle(GLANCE)
        keeper.flush_when_due()
        yield []


def _obeying(work: _Work, controls: ControlBox, patient: bool) -> Generator[list[AnyEvent], None, None]:
    """Advance an analysis until it ends or is cancelled.

    A race is told of the cancel by its controls and may say how its lanes ended; everything else is just closed.

    Yields:
        Its events, one at a time or none.
    """
    from backend.core.analyses.base import Tick

    yield [work.started]
    for told in work.events:
        # A race announces itself, for those who run it without an engine; here that has been said.
        yield [] if isinstance(told, Tick | Started) else [told]
        if controls.cancelled_at is None:
            continue
        if not patient or time.monotonic() - controls.cancelled_at > LAST_WORDS:
            if isinstance(work.events, Generator):
                work.events.close()
            return


def _started(task: Task, problem: "Problem", points: tuple[ResolvedPoint, ...]) -> Started:
    request = task.request
    rivals = request.lanes if isinstance(request, TrainRequest) else getattr(request.analysis, "rules", ())
    return Started(
        device=str(problem.device),
        dtype=request.dtype,
        parameters=problem.layout.size,
        examples=0 if problem.train is None else len(problem.train),
        lanes=tuple(rival.name for rival in rivals),
        parts=task.parts,
        points=points,
    )
