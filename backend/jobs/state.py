"""The statuses of a run, and which may follow which: ``queued → running → succeeded | failed | cancelled``."""

from collections.abc import Mapping
from typing import Final

from backend.jobs.errors import Conflict
from backend.schemas.run import Status

NEXT: Final[Mapping[Status, tuple[Status, ...]]] = {
    "queued": ("running", "failed", "cancelled"),
    "running": ("succeeded", "failed", "cancelled"),
    "succeeded": (),
    "failed": (),
    "cancelled": (),
}


def require_move(before: Status, after: Status) -> None:
    """Refuse what is not a run's life.

    Args:
        before: the status it has.
        after: the status it should have.

    Raises:
        Conflict: where the one may not follow the other.

    Example:
        >>> require_move("queued", "running")
        >>> require_move("succeeded", "running")
        Traceback (most recent call last):
            ...
        backend.jobs.errors.Conflict: a run that has succeeded cannot become running
    """
    if after not in NEXT[before]:
        is_or_has = "has" if before == "succeeded" else "is"
        raise Conflict(f"a run that {is_or_has} {before} cannot become {after}")
