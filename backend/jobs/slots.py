"""A worker's place in the local engine, and which waiting part goes to which."""

from collections.abc import Sequence
from dataclasses import dataclass

from backend.jobs.engine import Task
from backend.jobs.messages import Message
from backend.jobs.process import WorkerProcess
from backend.jobs.ticket import Ticket
from backend.schemas.errors import ErrorDetail


@dataclass(frozen=True)
class Part:
    """A part of a run, waiting or at work."""

    ticket: Ticket
    task: Task


@dataclass(eq=False)
class Slot:
    """One worker after another in the same place; only the dispatcher changes it."""

    place: int  # 0, 1, 2 …
    analyses_only: bool
    process: WorkerProcess | None = None
    ready: bool = False  # has said hello
    part: Part | None = None  # at work on
    threads: int = 0
    stopping: bool = False  # was asked to stop
    kill_at: float | None = None  # and is killed then
    respawn_at: float | None = None
    failed_starts: int = 0

    @property
    def idle(self) -> bool:
        """Whether it can take a part now."""
        return self.ready and self.part is None

    @property
    def state(self) -> str:
        """What it is doing, in words."""
        part = self.part
        if part is not None:
            return f"run {part.task.run}"
        return "idle" if self.ready else "starting"

    def send(self, message: Message) -> None:
        """Say something to the worker, if there is one."""
        if self.process is not None:
            self.process.send(message)


def choose_slot(slots: Sequence[Slot], part: Part) -> Slot | None:
    """Choose the worker for a part, so that neither a race nor an analysis ever waits for the other kind.

    Races go to any worker but the one for analyses. Analyses go to that one; where there is none to anyone; and with
    three workers or more to others as well, as long as one stays free for a race.

    Args:
        slots: all of them.
        part: the one that waits.

    Returns:
        An idle one, or None where the part must wait.
    """
    general = [slot for slot in slots if slot.idle and not slot.analyses_only]
    analysts = [slot for slot in slots if slot.analyses_only]
    if part.task.request.kind == "train" or not analysts:
        return general[0] if general else None
    for slot in analysts:
        if slot.idle:
            return slot
    return general[-1] if len(general) > 1 else None


def died(exit_code: int | None, started: bool = True) -> ErrorDetail:
    """Make the error of a run whose worker has died.

    Args:
        exit_code: how it ended; minus the signal's number where it was killed.
        started: whether it ever came up.

    Returns:
        The run's error.
    """
    how = f"was killed by signal {-exit_code}" if exit_code is not None and exit_code < 0 else f"ended with {exit_code}"
    if not started:
        hint = "Run `gradscape doctor`, and read the server's log."
        return ErrorDetail(code="worker_died", message=f"no worker comes up: the last one {how}", hint=hint)
    hint = "Run it again. If it happens every time, the memory may be too small for it."
    return ErrorDetail(code="worker_died", message=f"the worker process {how} in the midst of the run", hint=hint)
