"""A worker's place in an engine, and which waiting part goes to which."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from backend.jobs.engine import Task
from backend.jobs.messages import Message
from backend.jobs.split import pieces, share_out
from backend.jobs.ticket import Ticket
from backend.schemas.errors import ErrorDetail
from backend.schemas.run import TrainRequest

LOG = logging.getLogger(__name__)


class Worker(Protocol):
    """Something that works on one task after another, as its engine sees it."""

    @property
    def pid(self) -> int:
        """Number of its process; 0 where that is not known yet."""
        ...

    @property
    def exit_code(self) -> int | None:
        """How it ended: minus the signal's number where it was killed; None while it lives or where nobody knows."""
        ...

    def send(self, message: Message) -> None:
        """Say something to it; lost where it has died, which is heard elsewhere."""
        ...

    def kill(self) -> None:
        """End it now; idempotent."""
        ...

    def close(self, grace: float) -> None:
        """Let it go; nothing of it is left after the grace time."""
        ...


@dataclass(frozen=True)
class Part:
    """A part of a run, waiting or at work."""

    ticket: Ticket
    task: Task

    @property
    def branches(self) -> bool:
        """Whether it goes on from another run: a dropped ball, or a fork, which someone is waiting to see."""
        return isinstance(self.task.request, TrainRequest) and bool(self.task.sources)


@dataclass(eq=False)
class Slot:
    """One worker after another in the same place; only the dispatcher changes it."""

    place: int  # 0, 1, 2 …
    takes: Literal["anything", "analyses", "branches"]
    process: Worker | None = None
    ready: bool = False  # has said hello
    part: Part | None = None  # at work on
    threads: int = 0
    stopping: bool = False  # was asked to stop
    kill_at: float | None = None  # and is killed then
    dying: bool = False  # was killed: takes nothing more, though it may still have said that it is done
    respawn_at: float | None = None
    failed_starts: int = 0

    @property
    def idle(self) -> bool:
        """Whether it can take a part now."""
        return self.ready and self.part is None and not self.dying

    @property
    def state(self) -> str:
        """What it is doing, in words."""
        if self.part is not None:
            return f"run {self.part.task.run}"
        return "idle" if self.ready else "starting"

    def send(self, message: Message) -> None:
        """Say something to the worker, if there is one."""
        if self.process is not None:
            self.process.send(message)


def choose_slot(slots: Sequence[Slot], part: Part) -> Slot | None:
    """Choose the worker for a part, so that neither a race nor an analysis ever waits for the other kind.

    Races go to any worker but those for analyses and branches; a race that branches off another run goes to one for
    branches where no other is free, so that it need not wait for the race that it was dropped into. Analyses go to
    theirs; where there is none to anyone; and with two workers or more for anything to those as well, as long as one
    stays free for a race. The parts of one analysis, which are over soon, may take that one, too.

    Args:
        slots: all of them.
        part: the one that waits.

    Returns:
        An idle one, or None where the part must wait.
    """
    general, analysts, spare = (
        [slot for slot in slots if slot.idle and slot.takes == takes] for takes in ("anything", "analyses", "branches")
    )
    if part.task.request.kind == "train":
        return next(iter([*general, *(spare if part.branches else ())]), None)
    if all(slot.takes != "analyses" for slot in slots):
        return next(iter(general), None)
    first = 0 if part.task.parts > 1 else 1
    return next(iter([*analysts, *reversed(general[first:])]), None)


def choose_slots(slots: Sequence[Slot], part: Part, alone: bool) -> list[Slot]:
    """Choose the workers for a part: where nothing else waits, more of them for a run that they can share.

    Spare workers, which are there for what branches off a race, take no share of one. Beside an analysis one stays free
    for a race.

    Args:
        slots: all of them.
        part: the one that waits.
        alone: whether nothing else does.

    Returns:
        Idle ones: none where the part must wait, one where it stays whole.
    """
    first = choose_slot(slots, part)
    if first is None:
        return []
    more = [slot for slot in slots if slot.idle and slot.takes == "anything" and slot is not first]
    if part.task.request.kind != "train":
        more = more[:0:-1]
    most = pieces(part.task.request) if alone and part.task.parts == 1 else 1
    return [first, *more][:most]


def shared_out(part: Part, free: int) -> list[Part]:
    """Split a part over the workers that it is about to begin on."""
    tasks = share_out(part.task, free)
    if len(tasks) > 1:
        LOG.info("run %s is shared by %d workers", part.task.run, len(tasks))
        part.ticket.divide(tasks)
    return [Part(part.ticket, task) for task in tasks]


def died(exit_code: int | None, started: bool = True) -> ErrorDetail:
    """Make the error of a run whose worker has died.

    Args:
        exit_code: how it ended; minus the signal's number where it was killed; None where nobody knows.
        started: whether it ever came up.

    Returns:
        The run's error.
    """
    how = "has gone"
    if exit_code is not None:
        how = f"was killed by signal {-exit_code}" if exit_code < 0 else f"ended with {exit_code}"
    if not started:
        hint = "Run `gradscape doctor`, and read the server's log."
        return ErrorDetail(code="worker_died", message=f"no worker comes up: the last one {how}", hint=hint)
    hint = "Resume it, or run it again. If it happens every time, the memory may be too small for it."
    return ErrorDetail(code="worker_died", message=f"the worker process {how} in the midst of the run", hint=hint)
