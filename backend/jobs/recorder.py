"""The sink of the service: numbers what runs tell, stores it, and keeps each run's status in step with it."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from backend.jobs.clock import now
from backend.jobs.engine import Ended
from backend.jobs.feed import Feed
from backend.schemas.errors import ErrorDetail
from backend.schemas.events import AnyEvent, Controlled, Failed, Finished, Progress
from backend.schemas.run import ProgressState

LOG = logging.getLogger(__name__)
PAUSED: Final = {"pause": True, "step": True, "resume": False}


@dataclass
class _Live:
    """A run that has not ended."""

    began: float
    seq: int = 0  # of its last event
    broken: ErrorDetail | None = None  # its events could not be stored
    waits: bool = True  # no worker has taken it
    cancelled: bool = False  # somebody has asked for it
    outlives: bool = False  # goes on with the next server
    lock: threading.Lock = field(default_factory=threading.Lock)


class Recorder:
    """Numbers events 1, 2, 3 …; writes the one ``finished`` of each run (and ``failed`` where it failed).

    Args:
        feed: stores and wakes readers.
        abandon: stops a run whose events can no longer be stored.
        died: is told of a run that was cut off because its worker died.
    """

    def __init__(self, feed: Feed, abandon: Callable[[str], None], died: Callable[[str], None]) -> None:
        self._feed, self._abandon, self._died = feed, abandon, died
        self._live: dict[str, _Live] = {}
        self._stopping = False

    def stop(self) -> None:
        """The server stops: runs that end from now on without somebody's cancel are lost, not cancelled."""
        self._stopping = True

    def cancelling(self, run: str) -> None:
        """Somebody has asked to cancel a run."""
        live = self._live.get(run)
        if live is not None:
            live.cancelled = True

    def expect(self, run: str, outlives: bool = False) -> None:
        """Begin to record a run; one that outlives the server has no end when that stops."""
        self._live[run] = _Live(time.monotonic(), outlives=outlives)

    def started(self, run: str) -> None:
        """A worker has taken the run."""
        live = self._live[run]
        with live.lock:
            live.began, live.waits = time.monotonic(), False
            self._publish(run, live, (), {"status": "running", "started": now()})

    def events(self, run: str, events: list[AnyEvent]) -> None:
        """Store events, with what they say about their run."""
        live = self._live[run]
        with live.lock:
            if live.broken is None:
                self._publish(run, live, events, _changes(events))

    def ended(self, run: str, ended: Ended) -> None:
        """Write the run's last events and its status, in one transaction."""
        live = self._live[run]
        with live.lock:
            if live.broken is not None:
                ended = Ended("failed", live.broken)
            elif self._stopping and ended.outcome == "cancelled" and not live.cancelled:
                if live.outlives:  # the next server ends it, and goes on
                    del self._live[run]
                    return
                ended = Ended("failed", lost(live.waits))
            end(self._feed, run, live.seq, ended, time.monotonic() - live.began)
            del self._live[run]
        if live.outlives and ended.error is not None and ended.error.code == "worker_died" and not self._stopping:
            self._died(run)

    def _publish(self, run: str, live: _Live, events: Sequence[AnyEvent], changes: dict[str, Any]) -> None:
        try:
            self._feed.publish(run, live.seq + 1, events, changes)
            live.seq += len(events)
        except Exception as error:  # a full disk, say: the run must not go on unrecorded
            LOG.exception("cannot store the events of run %s", run)
            live.broken = ErrorDetail(
                code="internal",
                message=f"the run's events could not be stored: {error}"[:300],
                hint="Make room on the disk that holds the data directory, then run it again.",
            )
            self._abandon(run)


def end(feed: Feed, run: str, last_seq: int, ended: Ended, seconds: float) -> None:
    """Store how a run ended: ``failed`` where it failed, ``finished``, and its status.

    Args:
        feed: stores and wakes readers.
        run: its id.
        last_seq: the number of its last event so far.
        ended: how it ended.
        seconds: from when a worker took it.
    """
    last: list[AnyEvent] = [Finished(status=ended.outcome, seconds=seconds)]
    if ended.error is not None:
        last.insert(0, Failed(error=ended.error))
    changes = {"status": ended.outcome, "ended": now(), "paused": False, "error": ended.error}
    feed.publish(run, last_seq + 1, last, changes)


def lost(waiting: bool) -> ErrorDetail:
    """Describe how a run is lost when its server stops, while it was waiting for a worker or under way."""
    how = "before this run began" if waiting else "while this run was under way"
    return ErrorDetail(
        code="worker_lost",
        message=f"the server stopped {how}",
        hint="Resume it from its last checkpoints, or run it again.",
    )


def _changes(events: Sequence[AnyEvent]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for event in events:
        if isinstance(event, Progress):
            changes["progress"] = ProgressState(phase=event.phase, done=event.done, total=event.total)
        elif isinstance(event, Controlled) and event.action in PAUSED:
            changes["paused"] = PAUSED[event.action]
    return changes
