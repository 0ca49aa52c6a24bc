"""A submitted run as engines keep it: its parts merged into one stream with one end."""

import logging
import threading

from backend.jobs.engine import Ended, Sink, Task
from backend.jobs.split import Quilt, splits
from backend.schemas.band import Bands
from backend.schemas.events import AnyEvent
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
        self.tasks = tasks
        self.run = tasks[0].run
        self._sink = sink
        request = tasks[0].request
        self._quilt = Quilt(len(tasks)) if len(tasks) > 1 and splits(request) else None
        self._bands = Bands(request.repeats if isinstance(request, TrainRequest) else 1)
        self._lock = threading.Lock()
        self._started = False
        self._open = {task.part for task in tasks}
        self._ends: list[Ended] = []
        self._ended: Ended | None = None
        self._done = threading.Event()

    def started(self) -> None:
        """Note that a worker has taken a part."""
        with self._lock:
            if not self._started:
                self._started = True
                self._sink.started(self.run)

    def events(self, events: list[AnyEvent]) -> None:
        """Pass events on, and the bands over the repeats that follow from them."""
        with self._lock:
            told = events if self._quilt is None else self._quilt.fold(events)
            if told:
                self._sink.events(self.run, [*told, *self._bands.fold(told)])

    def part_ended(self, part: int, ended: Ended) -> bool:
        """Note the end of a part; the last one ends the run.

        Returns:
            Whether the other parts should stop, because this one failed.
        """
        with self._lock:
            self._open.discard(part)
            self._ends.append(ended)
            if self._open or self._ended is not None:
                return ended.outcome == "failed"
            self._ended = _together(self._ends)
            try:
                if self._quilt is not None and self._ended.outcome == "succeeded":
                    self._sink.events(self.run, self._quilt.finish())
                self._sink.ended(self.run, self._ended)
            except Exception:  # a store that cannot be written, say: its next start ends the run
                LOG.exception("cannot record the end of run %s", self.run)
            self._done.set()
            return False

    def wait(self, timeout: float | None = None) -> Ended | None:
        """Wait for the end; None when the time is over first."""
        return self._ended if self._done.wait(timeout) else None


def _together(ends: list[Ended]) -> Ended:
    for outcome in ("failed", "cancelled"):
        for ended in ends:
            if ended.outcome == outcome:
                return ended
    return ends[0]
