"""The contract of the store: an append-only truth of runs and their events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from backend.schemas.events import AnyEvent
from backend.schemas.run import Run


@dataclass(frozen=True)
class Row:
    """A stored event: its global row number, its kind, and the envelope as the JSON text that goes on the wire."""

    row: int
    run: str
    seq: int
    kind: str
    text: str

    @cached_property
    def message(self) -> bytes:
        """The event as a message of a stream: written once, for all who read it."""
        return f"id: {self.row}\nevent: {self.kind}\ndata: {self.text}\n\n".encode()


@dataclass(frozen=True)
class EventFilter:
    """Which events of a run: after a seq, of these kinds, of this lane, up to a step, or only the last n."""

    after: int = 0
    limit: int = 1000
    kinds: tuple[str, ...] = ()
    lane: str | None = None
    step_to: int | None = None
    last: int | None = None


class Store(Protocol):
    """Safe to call from several threads."""

    def create(self, run: Run, idempotency: tuple[str, str] | None = None) -> Run:
        """Store a new run; with a key (key, hash of the body) seen before, return the run it made.

        Raises:
            Conflict: where the key was used with another body.
        """
        ...

    def append(
        self, run: str, first_seq: int, events: Sequence[AnyEvent], changes: Mapping[str, Any] | None = None
    ) -> list[Row]:
        """Store events as first_seq, first_seq + 1 and so on, and change the run's fields: all or nothing.

        Returns:
            The events as rows, of consecutive numbers.

        Raises:
            Conflict: where that leaves a gap or doubles a number.
        """
        ...

    def update(self, run: str, **fields: Any) -> Run:
        """Change fields of a run (status, paused, started, ended, progress, error, name, tags)."""
        ...

    def get(self, run: str) -> Run | None:
        """Return the run, or None."""
        ...

    def page(
        self, *, status: str | None, kind: str | None, tag: str | None, limit: int, cursor: str | None
    ) -> tuple[list[Run], str | None]:
        """Runs, newest first, with the cursor of the next page."""
        ...

    def read(self, run: str, which: EventFilter) -> list[Row]:
        """Events of one run, in order of seq."""
        ...

    def tail(self, runs: tuple[str, ...] | None, kinds: tuple[str, ...], after: int, limit: int) -> list[Row]:
        """Events of several runs (None: all) after a global row, in order of rows."""
        ...

    def delete(self, run: str) -> None:
        """Forget a run and its events."""
        ...

    def close(self) -> None:
        """Write what is pending and let the file go."""
        ...
