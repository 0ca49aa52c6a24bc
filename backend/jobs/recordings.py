"""Runs that a training loop elsewhere tells of: its rows become events, its parameters become snapshots."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from backend.jobs.blobs import Place
from backend.jobs.clock import now
from backend.jobs.engine import Ended
from backend.jobs.errors import Conflict, InvalidRequest, Unsupported, no_such_run
from backend.jobs.recorded_path import recorded_path
from backend.jobs.recorder import Recorder
from backend.jobs.snapshot_files import KeptMoment, list_snapshots, read_moments, write_segment
from backend.jobs.store import Store
from backend.schemas.errors import ErrorDetail
from backend.schemas.events import LaneEnded, Snapshot, Started, TrainChunk
from backend.schemas.ids import new_run_id
from backend.schemas.recording import RecordedEvents, RecordingRequest
from backend.schemas.run import ENDED, MAX_STEPS, Run

LOG = logging.getLogger(__name__)
MOST_SNAPSHOTS: Final = 1000  # of one recording
FEWEST: Final = 4  # snapshots that a first plane is fitted to; again whenever there are twice as many
Outcome = Literal["succeeded", "failed", "cancelled"]


@dataclass
class _Recording:
    """A recording that has not ended."""

    request: RecordingRequest
    last: int = -1  # step of the last snapshot
    told: int = 0  # step of the last row
    kept: int = 0
    fitted: int = 0  # snapshots behind the last plane, or behind the one that is being fitted
    heard: float = field(default_factory=time.monotonic)  # when something came last
    lock: threading.Lock = field(default_factory=threading.Lock)


class Recordings:
    """Takes recordings; safe to call from several threads.

    Planes are fitted in a thread of their own, one after the other, so that no loop is kept waiting for them.

    Args:
        store: keeps runs.
        recorder: numbers and stores what is told.
        folder: of a run's snapshots.
    """

    def __init__(self, store: Store, recorder: Recorder, folder: Callable[[str], Place]) -> None:
        self._store, self._recorder, self._folder = store, recorder, folder
        self._live: dict[str, _Recording] = {}
        self._fitting = ThreadPoolExecutor(1, "gradscape-recorded-paths")

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
            InvalidRequest: where they are of another lane, columns are not of one length, or steps do not rise.
        """
        with self._taken(run) as live:
            self._store_rows(run, live, told)

    def snapshots(self, run: str, steps: Sequence[int], raw: bytes) -> None:
        """Keep the parameters after so many steps; steps rise, from call to call, too.

        Args:
            run: its id.
            steps: how many updates they have had, at each moment.
            raw: the parameters as float32, little-endian, in the order of the model's; one moment after the other.

        Raises:
            InvalidRequest: where they are not of the size that was announced, or not later steps.
            Unsupported: where there would be more than are kept.
        """
        with self._taken(run) as live:
            each = 4 * live.request.parameters
            if not steps or len(raw) != each * len(steps):
                expected = f"{len(steps)} × {each:,} bytes ({live.request.parameters:,} numbers of float32)"
                raise InvalidRequest(f"expected snapshots of {expected}, got {len(raw):,} bytes")
            for earlier, later in pairwise((live.last, *steps)):
                if later <= earlier:
                    raise InvalidRequest(f"expected a snapshot after step {earlier}, got step {later}")
            if steps[-1] > MAX_STEPS:
                raise InvalidRequest(f"expected a step of at most {MAX_STEPS:,}, got {steps[-1]:,}")
            if live.kept + len(steps) > MOST_SNAPSHOTS:
                raise Unsupported(f"this recording has {live.kept} snapshots, and {MOST_SNAPSHOTS} are the most kept")
            lane, rows_nP = live.request.lane, np.frombuffer(raw, "<f4").reshape(len(steps), -1)
            none = np.empty(0, np.float32)
            moments = [KeptMoment(step, row_P, none) for step, row_P in zip(steps, rows_nP, strict=True)]
            write_segment(self._folder(run), "0.0.0", lane, 0, moments)
            live.last, live.kept = steps[-1], live.kept + len(steps)
            self._recorder.events(run, [Snapshot(lane=lane, repeat=0, step=step) for step in steps])
            if live.kept >= max(FEWEST, 2 * live.fitted):
                live.fitted = live.kept
                self._fitting.submit(self._lay, run, live)

    def finish(self, run: str, status: Outcome, told: RecordedEvents | None = None) -> Callable[[], object]:
        """End a recording, as its loop did: it takes no more.

        Args:
            run: its id.
            status: how the loop ended.
            told: its last rows.

        Returns:
            What is left to be done, so that the loop need not wait for it: call it, and the run ends as soon as its
            last path has been laid.
        """
        failed = ErrorDetail(code="internal", message="the training loop that was recorded ended with an exception")
        with self._taken(run) as live:
            if told is not None:
                self._store_rows(run, live, told)
            self._live.pop(run)
        return partial(
            self._fitting.submit, self._end, run, live, Ended(status, failed if status == "failed" else None)
        )

    def cancel(self, run: str) -> bool:
        """End a recording from here; its loop is told when it sends again. False where it is none, or has ended."""
        if run not in self._live:
            return False
        self.finish(run, "cancelled")()
        return True

    def end_silent(self, limit: float) -> list[str]:
        """End the recordings of which nothing was heard for too long: their loops have died, or cannot reach us.

        Args:
            limit: seconds.

        Returns:
            The ids of those that end now.
        """
        ended = []
        for run, live in tuple(self._live.items()):
            with live.lock:
                silent = time.monotonic() - live.heard
                if silent > limit and run in self._live:
                    LOG.info("run %s: its loop was not heard of for %.0f s", run, silent)
                    self._live.pop(run)
                    self._fitting.submit(self._end, run, live, Ended("failed", _unheard(silent)))
                    ended.append(run)
        return ended

    def close(self) -> None:
        """Lay what is still to be laid; call it before the store is closed."""
        self._fitting.shutdown()

    def _store_rows(self, run: str, live: _Recording, told: RecordedEvents) -> None:
        last = live.told
        for event in told.events:
            if event.lane != live.request.lane:
                raise InvalidRequest(f"expected events of the lane {live.request.lane!r}, got {event.lane!r}")
            if event.repeat or event.part:
                raise InvalidRequest("expected repeat 0 and part 0, for a recording is one loop; leave them out")
            if event.kind == "train_chunk":
                last = _last_of(event, last)
            elif event.step is None or not 0 <= event.step <= MAX_STEPS:
                raise InvalidRequest(f"expected an evaluation at a step from 0 to {MAX_STEPS:,}, got {event.step}")
        live.told = last
        if told.events:
            self._recorder.events(run, list(told.events))

    def _end(self, run: str, live: _Recording, ended: Ended) -> None:
        if live.kept >= FEWEST and live.kept != live.fitted:
            self._lay(run, live)
        reason: Literal["done", "cancelled"] = "done" if ended.outcome == "succeeded" else "cancelled"
        self._recorder.events(run, [LaneEnded(lane=live.request.lane, repeat=0, step=max(live.last, 0), reason=reason)])
        self._recorder.ended(run, ended)

    def _lay(self, run: str, live: _Recording) -> None:
        """Lay what is kept on a plane; a recording goes on without it where that fails."""
        folder, lane = self._folder(run), live.request.lane
        try:
            steps = [kept.step for kept in list_snapshots(folder)]
            path = recorded_path(lane, steps, lambda some: read_moments(folder, lane, 0, some))
        except Exception:
            LOG.exception("the path of the recording %s cannot be laid", run)
        else:
            self._recorder.events(run, list(path or ()))

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
            raise Conflict(f"run {run} takes no more: its recording ends, or it is none")
        why = "" if found.error is None else f" ({found.error.message})"
        raise Conflict(
            f"run {run} takes no more: it has ended as {found.status}{why}",
            hint="What it has told is kept; begin a new recording for what follows.",
        )


def _last_of(rows: TrainChunk, before: int) -> int:
    """Return the step of the last row, having made sure that rows follow those before, and one another.

    Raises:
        InvalidRequest: where they do not, or are no rows.
    """
    columns = (rows.step, rows.loss, rows.grad_norm, rows.lr, rows.seconds)
    if len({column.shape for column in columns}) != 1 or rows.step.ndim != 1:
        raise InvalidRequest("expected columns of one length in train_chunk")
    if rows.step.dtype.kind not in "iu":
        raise InvalidRequest(f"expected steps in whole numbers (int32 or int64), got {rows.step.dtype}")
    steps: list[int] = [before, *rows.step.tolist()]
    for earlier, later in pairwise(steps):
        if later <= earlier:
            raise InvalidRequest(f"expected a row after step {earlier}, got step {later}; each step is told once")
    if steps[-1] > MAX_STEPS:
        raise InvalidRequest(f"expected a step of at most {MAX_STEPS:,}, got {steps[-1]:,}")
    return steps[-1]


def _unheard(seconds: float) -> ErrorDetail:
    return ErrorDetail(
        code="worker_lost",
        message=f"nothing was heard of the training loop for {seconds:.0f} s: it has died, or cannot reach this server",
        hint="What it has told is kept. Start it again; if it was only slow, raise GRADSCAPE_RECORDING_LIMIT.",
    )
