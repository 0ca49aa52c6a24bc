"""Live events for many readers: the store first, then the readers wake and read on.

A reader holds no queue. It remembers the last global row it has given out and takes what follows from the last rows in
memory, or where those do not reach back far enough from the store. So replay and live are one loop without a gap or a
double; a slow reader costs one page of memory, however far behind it is; and a hundred readers that keep up cost no
query and no thread.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final

from backend.jobs.counts import Counts
from backend.jobs.recent import Recent
from backend.jobs.store import Row, Store
from backend.schemas.events import AnyEvent

PAGE: Final = 100  # rows a read; the most that a reader holds


class Feed:
    """Puts events into the store and wakes who waits for them; safe to call from several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._recent = Recent()
        self.counts = Counts()
        self._storing = threading.Lock()  # rows reach the memory in the order of their numbers
        self._lock = threading.Lock()
        self._readers: dict[asyncio.AbstractEventLoop, set[asyncio.Event]] = {}
        self._closed = False

    @property
    def readers(self) -> int:
        """How many readers there are."""
        with self._lock:
            return sum(len(events) for events in self._readers.values())

    def publish(
        self, run: str, first_seq: int, events: Sequence[AnyEvent], changes: Mapping[str, Any] | None = None
    ) -> None:
        """Store events (with what they change about their run), then wake all readers."""
        with self._storing:
            self._recent.add(self._store.append(run, first_seq, events, changes))
        self.counts.add(events)
        self.wake()

    def wake(self) -> None:
        """Let every reader look again; each of their loops is called once."""
        with self._lock:
            loops = tuple(self._readers)
        for loop in loops:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._wake, loop)

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        with self._lock:
            events = tuple(self._readers.get(loop, ()))
        for event in events:
            event.set()

    async def follow(
        self,
        runs: tuple[str, ...] | None,
        kinds: tuple[str, ...] = (),
        after: int = 0,
        silence: float | None = None,
    ) -> AsyncGenerator[list[Row]]:
        """Replay, then live, for as long as the caller listens or until the feed closes.

        Args:
            runs: whose events; None: everyone's.
            kinds: which events; empty: all.
            after: the last global row that the caller has seen.
            silence: seconds without a wanted event after which an empty page is given; None: never.

        Yields:
            Rows in order, at most ``PAGE`` at once.
        """
        loop, event = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._readers.setdefault(loop, set()).add(event)
        told = loop.time()
        try:
            while not self._closed:
                event.clear()  # before reading: what is stored from here on wakes us again
                rows, after, more = await self._next(runs, kinds, after)
                # Events of other runs end no silence.
                left = None if silence is None else told + silence - loop.time()
                if rows or (not more and not await _set_within(event, left)):
                    yield rows
                    told = loop.time()
        finally:
            with self._lock:
                self._readers[loop].discard(event)
                if not self._readers[loop]:
                    del self._readers[loop]

    async def _next(
        self, runs: tuple[str, ...] | None, kinds: tuple[str, ...], after: int
    ) -> tuple[list[Row], int, bool]:
        """Read on.

        Returns:
            The rows that are wanted, the number to go on after, and whether there may be more at once.
        """
        found = self._recent.after(after, PAGE)
        if found is not None:
            rows = [row for row in found if (runs is None or row.run in runs) and (not kinds or row.kind in kinds)]
            return rows, found[-1].row if found else after, len(found) == PAGE
        newest = self._recent.last  # stored before the query, so the query sees it
        rows = await asyncio.to_thread(self._store.tail, runs, kinds, after, PAGE)
        more = len(rows) == PAGE
        return rows, rows[-1].row if more else max(after, newest, *(row.row for row in rows)), more

    def close(self) -> None:
        """End all readers."""
        self._closed = True
        self.wake()


async def _set_within(event: asyncio.Event, seconds: float | None) -> bool:
    """Wait for an event; say whether it came in time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
