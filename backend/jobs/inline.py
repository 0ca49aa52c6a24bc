"""The engine inside the calling process: one thread, one run after another. For tests, scripts and the command line.

It cannot kill: a cancelled analysis ends at its next yield.
"""

import threading
from collections import deque
from dataclasses import dataclass, field, replace

from backend.jobs.controls import ControlBox
from backend.jobs.engine import Ended, EngineState, Handle, Sink, Task
from backend.jobs.failures import failure_of
from backend.jobs.machine import fair_share, pinned_share
from backend.jobs.runner import drive
from backend.jobs.ticket import Ticket
from backend.jobs.workshop import CORE_WORKSHOP, load_workshop
from backend.schemas.catalog import Catalog
from backend.schemas.control import AnyControl, Cancel


@dataclass(eq=False)
class _Inlined:
    """A run in the line: its ticket, and one mailbox for all its parts."""

    ticket: Ticket
    controls: ControlBox = field(default_factory=ControlBox)

    def send(self, control: AnyControl) -> None:
        """Pass a control message on."""
        self.controls.put(control)

    def cancel(self) -> None:
        """Ask it to stop."""
        self.controls.put(Cancel())

    def wait(self, timeout: float | None = None) -> Ended | None:
        """Wait for the end; None when the time is over first."""
        return self.ticket.wait(timeout)


class InlineEngine:
    """Runs tasks in a thread of this process.

    Args:
        workshop: dotted name of where analyses come from.
        threads: torch threads of every task; None: all cores (half of them for a run that must repeat exactly).
    """

    width = 1

    def __init__(self, workshop: str = CORE_WORKSHOP, threads: int | None = None) -> None:
        self._workshop, self._threads = load_workshop(workshop), threads
        self._line: deque[_Inlined] = deque()
        self._now: _Inlined | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="gradscape-inline", daemon=True)
        self._thread.start()

    def submit(self, tasks: tuple[Task, ...], sink: Sink) -> Handle:
        """Queue a run of 1 … n parts, which follow one another."""
        run = _Inlined(Ticket(tasks, sink))
        with self._changed:
            self._line.append(run)
            self._changed.notify()
        return run

    def queue(self) -> tuple[str, ...]:
        """Runs that wait, in order."""
        with self._changed:
            return tuple(run.ticket.run for run in self._line)

    def state(self) -> EngineState:
        """What the engine is doing."""
        now = self._now
        return EngineState("inline", not self._closed, (f"run {now.ticket.run}" if now else "idle",), len(self.queue()))

    def catalog(self, timeout: float) -> Catalog | None:
        """What the analyses can do; made here, and this imports torch."""
        return self._workshop.catalog()

    def close(self, grace: float = 3.0) -> None:
        """Cancel everything and wait for the thread; what does not yield within the grace time is left behind."""
        with self._changed:
            self._closed = True
            for run in (*self._line, *((self._now,) if self._now else ())):
                run.cancel()
            self._changed.notify()
        self._thread.join(grace)

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._line and not self._closed:
                    self._changed.wait()
                if not self._line:
                    return
                self._now = run = self._line.popleft()
            for task in run.ticket.tasks:
                if run.controls.cancelled_at is not None:
                    run.ticket.part_ended(task.part, Ended("cancelled"))
                elif run.ticket.part_ended(task.part, self._drive(run, task)):
                    run.cancel()
            self._now = None

    def _drive(self, run: _Inlined, task: Task) -> Ended:
        import torch

        share = fair_share(1) if task.request.tune else pinned_share()
        torch.set_num_threads(self._threads or share)
        task = replace(task, threads=pinned_share() if self._threads is None else None)
        try:
            run.ticket.started()
            return drive(task, run.controls, run.ticket.events, self._workshop)
        except Exception as error:  # of the sink: the next run must not suffer from it
            return Ended("failed", failure_of(error))
