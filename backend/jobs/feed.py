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
        quiet = _Silence(silence, event)
        try:
            while not self._closed:
                event.clear()  # before reading: what is stored from here on wakes us again
                rows, after, more = await self._next(runs, kinds, after)
                if rows or (not more and quiet.over):  # events of other runs end no silence
                    yield rows
                    quiet.begin()
                elif not more:
                    await event.wait()
        finally:
            quiet.close()
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


class _Silence:
    """Wakes a reader that has been given nothing for so long.

    One timer at a time, which looks when it fires whether there was something meanwhile: one for each wait would cost a
    reader as much as all else.
    """

    def __init__(self, seconds: float | None, event: asyncio.Event) -> None:
        self._loop, self._seconds, self._event = asyncio.get_running_loop(), seconds, event
        self._timer: asyncio.TimerHandle | None = None
        self._until = 0.0
        self.begin()

    @property
    def over(self) -> bool:
        """Whether it has lasted long enough."""
        return self._seconds is not None and self._loop.time() >= self._until

    def begin(self) -> None:
        """Count from now on."""
        if self._seconds is not None:
            self._until = self._loop.time() + self._seconds
            if self._timer is None:
                self._timer = self._loop.call_at(self._until, self._ring)

    def close(self) -> None:
        """Wake nobody any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _ring(self) -> None:
        self._timer = None if self.over else self._loop.call_at(self._until, self._ring)
        if self._timer is None:
            self._event.set()
