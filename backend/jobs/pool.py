"""What engines of several workers have in common; where a worker lives is for the engine to say.

One thread, the dispatcher, owns all state. Everything that happens (a run is submitted, a worker has spoken or died,
a deadline has passed) comes to it as an action in one inbox, so that nothing here is shared between threads but the
inbox and the line of waiting parts.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from backend.jobs.engine import Ended, EngineState, Handle, Sink, Task
from backend.jobs.errors import Unavailable
from backend.jobs.messages import Begin, Control, Done, Hello, Message, Threads, Told
from backend.jobs.slots import Part, Slot, Worker, choose_slots, died, shared_out
from backend.jobs.ticket import Ticket
from backend.schemas.catalog import Catalog
from backend.schemas.control import AnyControl, Cancel

LOG = logging.getLogger(__name__)
GRACE: Final = 3.0  # seconds between asking a worker to stop and killing it
HOPELESS: Final = 3  # starts in a row that failed; then waiting runs are not kept waiting
LONGEST_REST: Final = 30.0  # seconds between two such starts
Heard = Callable[[Worker, Message | None], None]  # a worker has spoken, or has died
LEISURE: Final = 5.0  # seconds after which a spare one comes up unasked: not while the first run is being started


@dataclass(frozen=True)
class _PoolHandle:
    """A submitted run."""

    ticket: Ticket
    act: Callable[[Callable[[], None]], None]
    steer: Callable[[Ticket, AnyControl], None]
    stop: Callable[[Ticket], None]

    def send(self, control: AnyControl) -> None:
        """Pass a control message on."""
        self.act(partial(self.steer, self.ticket, control))

    def cancel(self) -> None:
        """Ask it to stop; kill it after the grace time."""
        self.act(partial(self.stop, self.ticket))

    def wait(self, timeout: float | None = None) -> Ended | None:
        """Wait for the end; None when the time is over first."""
        return self.ticket.wait(timeout)


class PoolEngine:
    """Runs tasks in workers, one at a time in each.

    Args:
        name: of the engine.
        slots: places for workers that come up at once.
        spares: places for further workers, which come up when it is quiet or when they are wanted.
        start: starts a worker; what it says is given to ``heard``, from any thread, and None once it has died.
        threads: torch threads of a task, while so many workers are busy.
        grace: seconds between asking a worker to stop and killing it.
        width: into how many parts a large task should be split.
        steady: torch threads of a race's steps, whatever else runs; None: those of the task.
    """

    def __init__(
        self,
        name: str,
        slots: Sequence[Slot],
        spares: Sequence[Slot],
        start: Callable[[Heard], Worker],
        threads: Callable[[Task, int], int],
        grace: float = GRACE,
        width: int = 1,
        steady: int | None = None,
    ) -> None:
        self._name, self._start, self._grace, self.width = name, start, grace, width
        self._threads, self._steady = threads, steady
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._line: list[Part] = []
        self._line_lock = threading.Lock()
        self._catalog: Catalog | None = None
        self._catalog_came = threading.Event()
        self._closing = False
        self._slots, self._spares = [*slots], [*spares]
        for slot in self._slots:
            self._spawn(slot)
        self._slots += self._spares
        self._dispatcher = threading.Thread(target=self._work, name="gradscape-dispatcher", daemon=True)
        self._dispatcher.start()

    def submit(self, tasks: tuple[Task, ...], sink: Sink) -> Handle:
        """Queue a run of 1 … n parts, which may run side by side.

        Returns:
            The run's handle.

        Raises:
            Unavailable: once the engine is being closed.
        """
        if self._closing:
            raise Unavailable("the workers are being stopped", hint="Try again when the server is up.")
        ticket = Ticket(tasks, sink)
        with self._line_lock:
            self._line += [Part(ticket, task) for task in tasks]
        self._inbox.put(self._dispatch)
        return _PoolHandle(ticket, self._inbox.put, self._steer, self._stop)

    def queue(self) -> tuple[str, ...]:
        """Runs that wait for a worker, in order."""
        with self._line_lock:
            waiting = tuple(dict.fromkeys(part.task.run for part in self._line))
        at_work = {slot.part.task.run for slot in self._slots if slot.part is not None}
        return tuple(run for run in waiting if run not in at_work)

    def state(self) -> EngineState:
        """What the workers are doing."""
        workers = tuple(slot.state for slot in self._slots if slot not in self._spares or slot.process is not None)
        return EngineState(self._name, any(slot.ready for slot in self._slots), workers, len(self.queue()))

    def catalog(self, timeout: float) -> Catalog | None:
        """What the workers can do; None when none has come up within the time."""
        self._catalog_came.wait(timeout)
        return self._catalog

    def close(self, grace: float = GRACE) -> None:
        """Cancel everything, wait for the grace time, kill what is left; no child process stays. Idempotent."""
        self._inbox.put(partial(self._begin_closing, grace))
        self._dispatcher.join()

    # Everything below runs in the dispatcher's thread.

    def _work(self) -> None:
        while not (self._closing and all(slot.part is None for slot in self._slots)):
            try:
                self._inbox.get(timeout=self._until_due())()
            except queue.Empty:
                pass
            except Exception:  # a sink that fails must not end the engine
                LOG.exception("the dispatcher goes on after an error")
            self._meet_deadlines()
        for slot in self._slots:
            if slot.process is not None:
                slot.process.kill()  # idle, or still starting: there is nothing to lose
                slot.process.close(GRACE)

    def _spawn(self, slot: Slot) -> None:
        slot.respawn_at = None
        slot.process = self._start(
            lambda process, message: self._inbox.put(partial(self._hear, slot, process, message))
        )

    def _hear(self, slot: Slot, process: Worker, message: Message | None) -> None:
        if slot.process is not process:
            return
        match message:
            case None:
                self._bury(slot, process)
            case Hello(catalog):
                slot.ready, slot.failed_starts = True, 0
                self._catalog = catalog
                self._catalog_came.set()
                self._dispatch()
            case Told(events) if slot.part is not None:
                slot.part.ticket.events(events)
            case Done(ended):
                self._finish(slot, ended)

    def _bury(self, slot: Slot, process: Worker) -> None:
        """End the run of a worker that has died, and put a new worker in its place."""
        process.close(GRACE)
        slot.process, slot.dying = None, False
        if not slot.ready:
            slot.failed_starts += 1
        wait = 0.0 if slot.ready else min(2.0**slot.failed_starts, LONGEST_REST)
        slot.ready, slot.respawn_at = False, None if self._closing else time.monotonic() + wait
        LOG.warning("worker %s has died (%s)", process.pid, process.exit_code)
        if slot.part is not None:
            self._finish(slot, Ended("cancelled") if slot.stopping else Ended("failed", died(process.exit_code)))
        if all(other.failed_starts >= HOPELESS for other in self._slots if other not in self._spares):
            for part in self._take_waiting(lambda part: True):
                part.ticket.part_ended(part.task.part, Ended("failed", died(process.exit_code, started=False)))

    def _finish(self, slot: Slot, ended: Ended) -> None:
        part, slot.part, slot.stopping, slot.kill_at = slot.part, None, False, None
        if part is not None and part.ticket.part_ended(part.task.part, ended):
            self._stop(part.ticket)
        self._dispatch()

    def _dispatch(self) -> None:
        """Give waiting parts, in order, to the workers that may take them."""
        if self._closing:
            return
        with self._line_lock:
            for part in tuple(self._line):
                slots = choose_slots(self._slots, part, alone=len(self._line) == 1)
                if slots:
                    self._line.remove(part)
                    for slot, share in zip(slots, shared_out(part, len(slots)), strict=False):
                        slot.part = share
                        self._begin(slot, share)
            waiting = sum(part.branches for part in self._line)
        self._call_spares(waiting)
        self._share_threads()

    def _call_spares(self, waiting: int) -> None:
        """See to it that spare workers are idle or coming up, as long as there are more: now, or when it is quiet.

        One, and two beside a race: the next ball is often dropped before a new worker is warm.

        Args:
            waiting: races that wait for such a worker.
        """
        racing = any(slot.part is not None and slot.part.task.request.kind == "train" for slot in self._slots)
        there = sum(slot.process is not None and slot.part is None for slot in self._spares)
        absent = [slot for slot in self._spares if slot.process is None]
        hurry = waiting > 0 or any(slot.part is not None for slot in self._spares)
        due = time.monotonic() + (0.0 if hurry else LEISURE)
        for slot in absent[: max(0, waiting + (2 if racing else 1) - there)]:
            if not slot.failed_starts and (slot.respawn_at is None or slot.respawn_at > due):
                slot.respawn_at = due

    def _begin(self, slot: Slot, part: Part) -> None:
        slot.threads = self._share(part)
        part.ticket.started()
        slot.send(Begin(replace(part.task, threads=self._steady), slot.threads, slot.place))

    def _share(self, part: Part) -> int:
        return self._threads(part.task, sum(slot.part is not None for slot in self._slots))

    def _share_threads(self) -> None:
        for slot in self._slots:
            if slot.part is not None and slot.threads != (share := self._share(slot.part)):
                slot.threads = share
                slot.send(Threads(share))

    def _steer(self, ticket: Ticket, control: AnyControl) -> None:
        for slot in self._slots:
            if slot.part is not None and slot.part.ticket is ticket:
                slot.send(Control(ticket.run, slot.part.task.part, control))

    def _stop(self, ticket: Ticket) -> None:
        """Take a run's waiting parts out of the line; ask its running ones to stop, and set the time to kill them."""
        for part in self._take_waiting(lambda part: part.ticket is ticket):
            ticket.part_ended(part.task.part, Ended("cancelled"))
        for slot in self._slots:
            if slot.part is not None and slot.part.ticket is ticket and not slot.stopping:
                slot.stopping = True
                slot.kill_at = time.monotonic() + self._grace
                slot.send(Control(ticket.run, slot.part.task.part, Cancel()))

    def _take_waiting(self, wanted: Callable[[Part], bool]) -> list[Part]:
        with self._line_lock:
            taken = [part for part in self._line if wanted(part)]
            self._line = [part for part in self._line if part not in taken]
        return taken

    def _begin_closing(self, grace: float) -> None:
        self._closing, self._grace = True, grace
        with self._line_lock:
            tickets = [part.ticket for part in self._line]
        tickets += [slot.part.ticket for slot in self._slots if slot.part is not None]
        for ticket in dict.fromkeys(tickets):
            self._stop(ticket)

    def _until_due(self) -> float | None:
        times = [at for slot in self._slots for at in (slot.kill_at, slot.respawn_at) if at is not None]
        return max(0.0, min(times) - time.monotonic()) if times else None

    def _meet_deadlines(self) -> None:
        for slot in self._slots:
            if slot.kill_at is not None and slot.process is not None and time.monotonic() >= slot.kill_at:
                slot.kill_at, slot.dying = None, True  # its death is heard like any other
                slot.process.kill()
            if slot.respawn_at is not None and time.monotonic() >= slot.respawn_at:
                self._spawn(slot)
