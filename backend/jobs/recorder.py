"""The sink of the service: numbers what runs tell, stores it, and keeps each run's status in step with it."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from backend.jobs.clock import now
from backend.jobs.engine import Ended
from backend.jobs.errors import Unavailable
from backend.jobs.feed import Feed
from backend.jobs.held import EVERY, Held
from backend.schemas.control import AnyControl, Pause, Resume
from backend.schemas.errors import ErrorDetail
from backend.schemas.events import AnyEvent, Controlled, Failed, Finished, Progress
from backend.schemas.run import ProgressState

LOG = logging.getLogger(__name__)
PAUSED: Final = {"pause": True, "step": True, "resume": False}


@dataclass(frozen=True)
class Steering:
    """What the recorder asks of the runs that it records."""

    abandon: Callable[[str], None]  # stop a run whose events can no longer be stored
    send: Callable[[str, AnyControl], None]  # pass a control message on
    died: Callable[[str], None]  # take note of a run that was cut off because its worker died


@dataclass
class _Live:
    """A run that has not ended."""

    began: float
    outlives: bool = False  # goes on with the next server
    seq: int = 0  # of its last event
    broken: ErrorDetail | None = None  # its events could not be stored
    held: Held | None = None  # its events cannot be stored for now
    waits: bool = True  # no worker has taken it
    paused: bool = False
    cancelled: bool = False  # somebody has asked for it
    lock: threading.Lock = field(default_factory=threading.Lock)


class Recorder:
    """Numbers events 1, 2, 3 …; writes the one ``finished`` of each run (and ``failed`` where it failed).

    While the store cannot be written (the disk is full, another program has locked the file) nothing is lost: races
    are paused, what they tell waits in memory, and goes on in order when there is room again.

    Args:
        feed: stores and wakes readers.
        steering: stops, pauses and follows up the runs.
        retry: seconds between two attempts to store what waits.
    """

    def __init__(self, feed: Feed, steering: Steering, retry: float = EVERY) -> None:
        self._feed, self._steering, self._retry = feed, steering, retry
        self._live: dict[str, _Live] = {}
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._trying: threading.Thread | None = None

    def stop(self) -> None:
        """The server stops: runs that end from now on without somebody's cancel are lost, not cancelled."""
        self._stopping.set()

    def close(self) -> None:
        """Try a last time to store what waits; what cannot be stored now, the next server ends as lost."""
        for run, live in tuple(self._live.items()):
            self._try(run, live)
        trying = self._trying
        if trying is not None:
            trying.join()

    def cancelling(self, run: str) -> None:
        """Somebody has asked to cancel a run."""
        live = self._live.get(run)
        if live is not None:
            live.cancelled = True

    def held(self, run: str) -> ErrorDetail | None:
        """Say why a run is held; None where it is not."""
        live = self._live.get(run)
        held = None if live is None else live.held
        return None if held is None else held.reason

    def expect(self, run: str, outlives: bool = False) -> None:
        """Begin to record a run; one that outlives the server has no end when that stops."""
        self._live[run] = _Live(time.monotonic(), outlives)

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
            elif self._stopping.is_set() and ended.outcome == "cancelled" and not live.cancelled:
                if live.outlives:  # the next server ends it, and goes on
                    del self._live[run]
                    return
                ended = Ended("failed", lost(live.waits))
            if live.held is not None:
                live.held.ended = ended
                return
            try:
                self._end(run, live, ended)
            except Unavailable as full:
                self._hold(run, live, full).ended = ended
                return
        self._follow_up(run, live, ended)

    def _end(self, run: str, live: _Live, ended: Ended) -> None:
        end(self._feed, run, live.seq, ended, time.monotonic() - live.began)
        del self._live[run]

    def _follow_up(self, run: str, live: _Live, ended: Ended) -> None:
        died = ended.error is not None and ended.error.code == "worker_died"
        if live.outlives and died and not self._stopping.is_set():
            self._steering.died(run)

    def _publish(self, run: str, live: _Live, events: Sequence[AnyEvent], changes: Mapping[str, Any]) -> None:
        live.paused = changes.get("paused", live.paused)
        try:
            if live.held is None:
                self._store(run, live, events, changes)
                return
        except Unavailable as full:
            self._hold(run, live, full)
        except Exception as error:  # the run must not go on unrecorded
            LOG.exception("cannot store the events of run %s", run)
            self._break(run, live, str(error))
            return
        if live.held is not None and not live.held.add(events, changes):
            self._break(run, live, live.held.reason.message)

    def _store(self, run: str, live: _Live, events: Sequence[AnyEvent], changes: Mapping[str, Any]) -> None:
        self._feed.publish(run, live.seq + 1, events, changes)
        live.seq += len(events)

    def _break(self, run: str, live: _Live, why: str) -> None:
        live.broken = ErrorDetail(
            code="internal",
            message=f"the run's events could not be stored: {why}"[:300],
            hint="Make room on the disk that holds the data directory, then run it again.",
        )
        self._steering.abandon(run)

    def _hold(self, run: str, live: _Live, full: Unavailable) -> Held:
        LOG.warning("run %s is held: %s", run, full.detail.message)
        live.held = Held(full.detail, paused=not live.paused)
        if live.held.paused:
            self._steering.send(run, Pause())
        with self._starting:
            if self._trying is None:
                self._trying = threading.Thread(target=self._keep_trying, name="gradscape-held", daemon=True)
                self._trying.start()
        return live.held

    def _keep_trying(self) -> None:
        while not self._stopping.wait(self._retry):
            for run, live in tuple(self._live.items()):
                self._try(run, live)
            with self._starting:
                if not any(live.held is not None for live in tuple(self._live.values())):
                    self._trying = None
                    return

    def _try(self, run: str, live: _Live) -> None:
        """Store what waits, as far as that goes; then the run goes on, or ends."""
        with live.lock:
            held = live.held
            if held is None:
                return
            try:
                held.drain(lambda events, changes: self._store(run, live, events, changes))
                if held.ended is not None:
                    self._end(run, live, held.ended)
            except Exception:
                LOG.debug("run %s is still held", run, exc_info=True)
                return
            live.held = None
            LOG.info("run %s goes on", run)
            if held.paused and held.ended is None:
                self._steering.send(run, Resume())
        if held.ended is not None:
            self._follow_up(run, live, held.ended)


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
    why = "" if ended.error is None else f": {ended.error.code}, {ended.error.message}"
    stopping = ended.error is not None and ended.error.code == "worker_lost"
    LOG.log(logging.DEBUG if stopping else logging.INFO, "run %s %s after %.1f s%s", run, ended.outcome, seconds, why)


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
