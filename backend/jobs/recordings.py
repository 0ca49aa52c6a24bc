"""Runs that a training loop elsewhere tells of: its rows become events, its parameters become snapshots."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import numpy as np

from backend.jobs.clock import now
from backend.jobs.engine import Ended
from backend.jobs.errors import Conflict, InvalidRequest, Unsupported, no_such_run
from backend.jobs.recorded_path import recorded_path
from backend.jobs.recorder import Recorder
from backend.jobs.snapshot_files import KeptMoment, list_snapshots, read_moments, write_segment
from backend.jobs.store import Store
from backend.schemas.errors import ErrorDetail
from backend.schemas.events import AnyEvent, LaneEnded, Snapshot, Started
from backend.schemas.ids import new_run_id
from backend.schemas.recording import RecordedEvents, RecordingRequest
from backend.schemas.run import ENDED, Run

LOG = logging.getLogger(__name__)
MOST_SNAPSHOTS: Final = 1000  # of one recording
FEWEST: Final = 4  # snapshots that a first plane is fitted to; again whenever there are twice as many
Outcome = Literal["succeeded", "failed", "cancelled"]


@dataclass
class _Recording:
    """A recording that has not ended."""

    request: RecordingRequest
    last: int = -1  # step of the last snapshot
    kept: int = 0
    fitted: int = 0  # snapshots behind the last plane
    heard: float = field(default_factory=time.monotonic)  # when something came last
    lock: threading.Lock = field(default_factory=threading.Lock)


class Recordings:
    """Takes recordings; safe to call from several threads.

    Args:
        store: keeps runs.
        recorder: numbers and stores what is told.
        folder: of a run's snapshots.
    """

    def __init__(self, store: Store, recorder: Recorder, folder: Callable[[str], Path]) -> None:
        self._store, self._recorder, self._folder = store, recorder, folder
        self._live: dict[str, _Recording] = {}

    def begin(self, request: RecordingRequest) -> str:
        """Make a run of a loop that is about to begin.

        Returns:
            The run's id.
        """
        race = request.race()
        new = Run(
            id=new_run_id(), kind="train", name=request.name or f"{request.lane}, recorded", tags=race.tags,
            status="queued", created=now(), request=race.to_json(),
        )  # fmt: skip
        self._store.create(new)
        self._live[new.id] = _Recording(request)
        self._recorder.expect(new.id)
        self._recorder.started(new.id)
        started = Started(
            device="elsewhere", dtype="float32", parameters=request.parameters, examples=0, lanes=(request.lane,),
            points=(),
        )  # fmt: skip
        self._recorder.events(new.id, [started])
        return new.id

    def tell(self, run: str, told: RecordedEvents) -> None:
        """Store rows and evaluations; none of them says no more than that the loop is alive.

        Raises:
            InvalidRequest: where they are of another lane, or columns are not of one length.
        """
        with self._taken(run) as live:
            for event in told.events:
                if event.lane != live.request.lane or event.repeat or event.part:
                    raise InvalidRequest(f"expected events of the lane {live.request.lane!r}, got {event.lane!r}")
                if event.kind == "train_chunk":
                    columns = (event.step, event.loss, event.grad_norm, event.lr, event.seconds)
                    if len({column.shape for column in columns}) != 1 or event.step.ndim != 1:
                        raise InvalidRequest("expected columns of one length in train_chunk")
            if told.events:
                self._recorder.events(run, list(told.events))

    def snapshot(self, run: str, step: int, raw: bytes) -> None:
        """Keep the parameters after so many steps; steps rise from call to call.

        Args:
            run: its id.
            step: how many updates they have had.
            raw: the parameters as float32, little-endian, in the order of the model's.

        Raises:
            InvalidRequest: where it is not of the size that was announced, or not a later step.
            Unsupported: where there are as many as are kept already.
        """
        with self._taken(run) as live:
            if len(raw) != 4 * live.request.parameters:
                expected = f"{4 * live.request.parameters:,} bytes ({live.request.parameters:,} numbers of float32)"
                raise InvalidRequest(f"expected a snapshot of {expected}, got {len(raw):,} bytes")
            if step <= live.last:
                raise InvalidRequest(f"expected a snapshot after step {live.last}, got step {step}")
            if live.kept >= MOST_SNAPSHOTS:
                raise Unsupported(f"this recording has {live.kept} snapshots, the most that are kept")
            params_P, lane = np.frombuffer(raw, "<f4"), live.request.lane
            moment = KeptMoment(step, params_P, np.empty(0, np.float32))
            write_segment(self._folder(run), "0.0.0", lane, 0, [moment])
            live.last, live.kept = step, live.kept + 1
            events: list[AnyEvent] = [Snapshot(lane=lane, repeat=0, step=step)]
            if live.kept >= max(FEWEST, 2 * live.fitted):
                events += self._path(run, live)
            self._recorder.events(run, events)

    def finish(self, run: str, status: Outcome) -> None:
        """End a recording, as its loop did."""
        failed = ErrorDetail(code="internal", message="the training loop that was recorded ended with an exception")
        with self._taken(run) as live:
            self._end(run, live, Ended(status, failed if status == "failed" else None))

    def cancel(self, run: str) -> bool:
        """End a recording from here; its loop is told when it sends again. False where it is none, or has ended."""
        if run not in self._live:
            return False
        self.finish(run, "cancelled")
        return True

    def end_silent(self, limit: float) -> list[str]:
        """End the recordings of which nothing was heard for too long: their loops have died, or cannot reach us.

        Args:
            limit: seconds.

        Returns:
            The ids of those that have ended.
        """
        ended = []
        for run, live in tuple(self._live.items()):
            with live.lock:
                silent = time.monotonic() - live.heard
                if silent > limit and run in self._live:
                    LOG.info("run %s: its loop was not heard of for %.0f s", run, silent)
                    self._end(run, live, Ended("failed", _unheard(silent)))
                    ended.append(run)
        return ended

    def _end(self, run: str, live: _Recording, ended: Ended) -> None:
        reason: Literal["done", "cancelled"] = "done" if ended.outcome == "succeeded" else "cancelled"
        last = LaneEnded(lane=live.request.lane, repeat=0, step=max(live.last, 0), reason=reason)
        self._recorder.events(run, [*self._path(run, live), last])
        self._live.pop(run)
        self._recorder.ended(run, ended)

    @contextmanager
    def _taken(self, run: str) -> Iterator[_Recording]:
        """Have a recording that has not ended to oneself; its loop is alive.

        Yields:
            The recording.

        Raises:
            no_such_run: where there is none of that id.
            Conflict: where it has ended, or is none.
        """
        live = self._live.get(run)
        if live is not None:
            with live.lock:
                if run in self._live:  # it may have ended meanwhile
                    live.heard = time.monotonic()
                    yield live
                    return
        found = self._store.get(run)
        if found is None:
            raise no_such_run(run)
        if found.status not in ENDED:
            raise Conflict(f"run {run} takes no more: it is no recording")
        why = "" if found.error is None else f" ({found.error.message})"
        raise Conflict(
            f"run {run} takes no more: it has ended as {found.status}{why}",
            hint="What it has told is kept; begin a new recording for what follows.",
        )

    def _path(self, run: str, live: _Recording) -> Sequence[AnyEvent]:
        """Lay what is kept on a plane, where something has come since the last time."""
        folder, lane = self._folder(run), live.request.lane
        if live.kept == live.fitted or live.kept < FEWEST:
            return ()
        live.fitted = live.kept
        moments = read_moments(folder, lane, 0, [kept.step for kept in list_snapshots(folder)])
        found = recorded_path(lane, [moment for moment in moments if np.isfinite(moment.params_P).all()])
        return found or ()


def _unheard(seconds: float) -> ErrorDetail:
    return ErrorDetail(
        code="worker_lost",
        message=f"nothing was heard of the training loop for {seconds:.0f} s: it has died, or cannot reach this server",
        hint="What it has told is kept. Start it again; if it was only slow, raise GRADSCAPE_RECORDING_LIMIT.",
    )
