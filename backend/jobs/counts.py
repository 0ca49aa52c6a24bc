"""What has happened since the server started, counted."""

import threading
from collections import Counter
from collections.abc import Mapping, Sequence

from backend.schemas.events import AnyEvent, Finished


class Counts:
    """Events that were stored, and how runs ended; safe to call from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events = 0
        self._ended: Counter[str] = Counter(dict.fromkeys(("succeeded", "failed", "cancelled"), 0))

    def add(self, events: Sequence[AnyEvent]) -> None:
        """Count events that have been stored."""
        ended = [event.status for event in events if isinstance(event, Finished)]
        with self._lock:
            self._events += len(events)
            self._ended.update(ended)

    @property
    def events(self) -> int:
        """How many events were stored."""
        return self._events

    @property
    def ended(self) -> Mapping[str, int]:
        """How many runs ended, by outcome."""
        with self._lock:
            return dict(self._ended)
