"""What becomes of runs that were cut off: they end as lost, and races that are asked to go on do so as new runs."""

import logging
from collections.abc import Callable
from typing import Final, Protocol

from backend.jobs.blobs import Place
from backend.jobs.engine import Ended
from backend.jobs.errors import JobsError, no_such_run
from backend.jobs.feed import Feed
from backend.jobs.points import request_of
from backend.jobs.recorder import end, lost
from backend.jobs.resumption import check_resumable, has_checkpoints, resumption
from backend.jobs.snapshot_files import list_snapshots
from backend.jobs.store import EventFilter, Store
from backend.schemas.events import Envelope
from backend.schemas.run import AnyRequest, Run, TrainRequest

LOG = logging.getLogger(__name__)
PAGE: Final = 100
MOST_TOLD: Final = 10_000  # controls and checkpoints of a race, when it goes on


class Submit(Protocol):
    """Stores a run and queues it."""

    def __call__(self, request: AnyRequest, *, parent: str | None = None) -> Run:
        """Submit a request; the new run goes on from its parent."""
        ...


class Recovery:
    """Ends what was cut off, and lets it go on.

    Args:
        store: keeps runs and events.
        feed: over the same store.
        folder: of a run's snapshots and checkpoints.
        submit: starts the run that goes on.
    """

    def __init__(self, store: Store, feed: Feed, folder: Callable[[str], Place], submit: Submit) -> None:
        self._store, self._feed, self._folder, self._submit = store, feed, folder, submit

    def resume(self, run: str) -> Run:
        """Go on with a race that was cut off, or cancelled, from its last checkpoints.

        Args:
            run: the id of the race; what it has told stays as it is.

        Returns:
            The new run; its ``parent`` is the old one.

        Raises:
            NotFound: where there is no such run.
            Conflict: where it is no race, has not ended, or has nothing left to do.
        """
        found = self._stored(run)
        request = check_resumable(found, request_of(found))
        which = (EventFilter(limit=MOST_TOLD, kinds=(kind,)) for kind in ("controlled", "checkpoint"))
        rows = [row for each in which for row in self._store.read(run, each)]
        told = [Envelope.decode(row.text).event for row in rows]
        return self._submit(resumption(found, request, list_snapshots(self._folder(run)), told), parent=run)

    def sweep(self) -> list[str]:
        """End the runs that an earlier server left unfinished; those that are to go on by themselves do.

        Returns:
            The ids of those that have ended.
        """
        found = []
        for status in ("running", "queued"):
            cursor: str | None = None
            while True:
                runs, cursor = self._store.page(status=status, kind=None, tag=None, limit=PAGE, cursor=cursor)
                for run in runs:
                    end(self._feed, run.id, run.last_seq, Ended("failed", lost(run.status == "queued")), seconds=0.0)
                    found.append(run.id)
                if cursor is None:
                    break
        for run_id in sorted(found):  # the oldest first
            self._go_on(run_id)
        return found

    def died(self, run: str) -> None:
        """Go on with a race whose worker has died, if it has kept a checkpoint; from then on, one of every lane.

        Without progress the same would happen again and again: a race that is too large for the memory, say, or one of
        whose parts is.
        """
        found, kept = self._stored(run), list_snapshots(self._folder(run))
        request = request_of(found)
        if not isinstance(request, TrainRequest) or not any(each.resumable for each in kept):
            return
        if found.parent is None or has_checkpoints(request, [lane.name for lane in request.lanes], kept):
            self._go_on(run)

    def _stored(self, run: str) -> Run:
        found = self._store.get(run)
        if found is None:
            raise no_such_run(run)
        return found

    def _go_on(self, run: str) -> None:
        request = request_of(self._stored(run))
        if not isinstance(request, TrainRequest) or request.recovery != "resume":
            return
        try:
            LOG.info("run %s goes on as %s", run, self.resume(run).id)
        except JobsError as refused:
            LOG.warning("run %s cannot go on: %s", run, refused.detail.message)
