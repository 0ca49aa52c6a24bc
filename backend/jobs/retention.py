"""What is forgotten by itself: runs that are too old, and the oldest ones where all take too much room."""

import datetime
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from backend.jobs.blobs import size_of
from backend.jobs.chore import Chore
from backend.jobs.errors import JobsError
from backend.jobs.service import Service
from backend.schemas.run import ENDED, Run

LOG = logging.getLogger(__name__)
EVERY: Final = 3600.0  # seconds between two looks
KEEP: Final = "keep"  # a run with this tag is never forgotten
GIB: Final = 1 << 30


@dataclass(frozen=True)
class Retention:
    """How long, and how much, is kept; None: for ever, or any amount."""

    days: float | None = None
    size: int | None = None  # bytes of all runs' snapshots, checkpoints and planes


def forget(service: Service, retention: Retention, now: datetime.datetime) -> list[str]:
    """Forget the runs that need not be kept any longer, the oldest first.

    Those that have not ended, and those with the tag ``keep``, stay.

    Args:
        service: keeps the runs.
        retention: what may stay.
        now: with a time zone.

    Returns:
        The ids of those that are gone.
    """
    runs = list(_oldest_first(service))
    sizes = {run.id: size_of(service.folder(run.id)) for run in runs}
    total, gone = sum(sizes.values()), []
    for run in runs:
        if run.status not in ENDED or KEEP in run.tags:
            continue
        too_old = retention.days is not None and _age(run, now) > datetime.timedelta(days=retention.days)
        if not too_old and (retention.size is None or total <= retention.size):
            continue
        try:
            service.delete(run.id)
        except JobsError as refused:
            LOG.warning("run %s is not forgotten: %s", run.id, refused.detail.message)
            continue
        LOG.info("run %s is forgotten: it is %s", run.id, "too old" if too_old else "the oldest, and room is short")
        total -= sizes[run.id]
        gone.append(run.id)
    return gone


class Housekeeper:
    """Looks every hour what may be forgotten.

    Args:
        service: keeps the runs.
        retention: what may stay.
        every: seconds between two looks.
    """

    def __init__(self, service: Service, retention: Retention, every: float = EVERY) -> None:
        def look() -> None:
            forget(service, retention, datetime.datetime.now(datetime.UTC))

        self._chore = Chore("gradscape-housekeeper", look, every)
        if retention != Retention():
            self._chore.start()

    def stop(self) -> None:
        """Let it end; what it is about is finished first."""
        self._chore.stop()


def _oldest_first(service: Service) -> Iterator[Run]:
    runs: list[Run] = []
    cursor: str | None = None
    while True:
        page, cursor = service.page(cursor=cursor)
        runs += page
        if cursor is None:
            return reversed(runs)


def _age(run: Run, now: datetime.datetime) -> datetime.timedelta:
    return now - datetime.datetime.fromisoformat(run.ended or run.created)
