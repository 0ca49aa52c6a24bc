"""A submitted run as engines keep it: its parts merged into one stream with one end."""

import logging
import threading

from backend.jobs.engine import Ended, Sink, Task
from backend.jobs.split import joint
from backend.schemas.band import Bands
from backend.schemas.events import AnyEvent
from backend.schemas.movement_band import MovementBands
from backend.schemas.run import TrainRequest

LOG = logging.getLogger(__name__)


class Ticket:
    """A run of 1 … n parts.

    The run starts with its first part and ends with its last: failed where a part failed (with the first error),
    else cancelled where one was, else succeeded. Calls to the sink are made one at a time.

    Args:
        tasks: the parts.
        sink: where their events go.
    """

    def __init__(self, tasks: tuple[Task, ...], sink: Sink) -> None:
        self.run = tasks[0].run
        self._sink = sink
        request = tasks[0].request
        repeats = request.repeats if isinstance(request, TrainRequest) else 1
        self._bands, self._movement = Bands(repeats), MovementBands(repeats)
        self._lock = threading.Lock()
        self._started = False
        self._ends: list[Ended] = []
        self._ended: Ended | None = None
        self._done = threading.Event()
        self.divide(tasks)

    def divide(self, tasks: tuple[Task, ...]) -> None:
        """Take these parts instead: before any has begun."""
        self.tasks = tasks
        self._joint = joint(tasks)
        self._open = {task.part for task in tasks}

    def started(self) -> None:
        """Note that a worker has taken a part."""
        with self._lock:
            if not self._started:
                self._started = True
                self._sink.started(self.run)

    def events(self, events: list[AnyEvent]) -> None:
        """Pass events on, and the bands over the repeats that follow from them."""
        with self._lock:
            told = events
            if (joint := self._joint) is not None:
                told = [joined for event in events for joined in joint.fold(event)]
            self._tell(told)

    def part_ended(self, part: int, ended: Ended) -> bool:
        """Note the end of a part; the last one ends the run.

        Returns:
            Whether the other parts should stop, because this one failed.
        """
        with self._lock:
            self._open.discard(part)
            self._ends.append(ended)
            self._let_go(part)
            if self._open or self._ended is not None:
                return ended.outcome == "failed"
            self._ended = _together(self._ends)
            try:
                if self._joint is not None and self._ended.outcome == "succeeded":
                    self._tell(self._joint.finish())
                self._sink.ended(self.run, self._ended)
            except Exception:  # a store that cannot be written, say: its next start ends the run
                LOG.exception("cannot record the end of run %s", self.run)
            self._done.set()
            return False

    def wait(self, timeout: float | None = None) -> Ended | None:
        """Wait for the end; None when the time is over first."""
        return self._ended if self._done.wait(timeout) else None

    def _tell(self, told: list[AnyEvent]) -> None:
        if told:
            self._sink.events(self.run, [*told, *self._bands.fold(told), *self._movement.fold(told)])

    def _let_go(self, part: int) -> None:
        """Tell what has waited for a part that has ended."""
        if self._joint is not None and self._started:
            try:
                self._tell(self._joint.part_ended(part))
            except Exception:  # as where a part's own events cannot be told: the run ends all the same
                LOG.exception("cannot record what run %s has told", self.run)


def _together(ends: list[Ended]) -> Ended:
    for outcome in ("failed", "cancelled"):
        for ended in ends:
            if ended.outcome == outcome:
                return ended
    return ends[0]
