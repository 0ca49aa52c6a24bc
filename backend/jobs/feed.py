"""Live events for many readers: the store first, then the readers wake and read it.

A reader holds no queue. It remembers the last global row it has given out and asks the store for what follows, so
replay and live are one loop without a gap or a double, and a slow reader costs one page of memory, however far
behind it is.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Final

from backend.jobs.store import Row, Store
from backend.schemas.events import AnyEvent

PAGE: Final = 500  # rows a read; the most that a reader holds


class Feed:
    """Puts events into the store and wakes who waits for them; safe to call from several threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._readers: set[_Reader] = set()
        self._closed = False

    def publish(
        self, run: str, first_seq: int, events: Sequence[AnyEvent], changes: Mapping[str, Any] | None = None
    ) -> None:
        """Store events (with what they change about their run), then wake all readers."""
        self._store.append(run, first_seq, events, changes)
        self.wake()

    def wake(self) -> None:
        """Let every reader look at the store again."""
        with self._lock:
            readers = tuple(self._readers)
        for reader in readers:
            reader.wake()

    async def follow(
        self, runs: tuple[str, ...] | None, kinds: tuple[str, ...] = (), after: int = 0
    ) -> AsyncGenerator[list[Row]]:
        """Replay, then live, for as long as the caller listens or until the feed closes.

        Args:
            runs: whose events; None: everyone's.
            kinds: which events; empty: all.
            after: the last global row that the caller has seen.

        Yields:
            Rows in order, at most ``PAGE`` at once, never none.
        """
        reader = _Reader(asyncio.get_running_loop())
        with self._lock:
            self._readers.add(reader)
        try:
            while not self._closed:
                reader.event.clear()  # before reading: what is stored from here on wakes us again
                rows = await asyncio.to_thread(self._store.tail, runs, kinds, after, PAGE)
                if rows:
                    after = rows[-1].row
                    yield rows
                else:
                    await reader.event.wait()
        finally:
            with self._lock:
                self._readers.discard(reader)

    def close(self) -> None:
        """End all readers."""
        self._closed = True
        self.wake()


class _Reader:
    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.event = asyncio.Event()

    def wake(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.event.set)
