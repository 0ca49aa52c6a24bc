"""What a run has told while nothing can be stored: it waits in memory, in order, until there is room again."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from backend.jobs.engine import Ended
from backend.schemas.errors import ErrorDetail
from backend.schemas.events import AnyEvent

MOST: Final = 5000  # events of a run that wait; a race is paused meanwhile, an analysis goes on
EVERY: Final = 1.0  # seconds between two attempts


@dataclass
class Held:
    """Events that wait, each batch with what it changes about its run, and the run's end if it has come."""

    reason: ErrorDetail
    paused: bool  # by us, so that we let it go on
    batches: deque[tuple[Sequence[AnyEvent], Mapping[str, Any]]] = field(default_factory=deque)
    ended: Ended | None = None
    waiting: int = 0

    def add(self, events: Sequence[AnyEvent], changes: Mapping[str, Any]) -> bool:
        """Let a batch wait.

        Returns:
            Whether there was room for it.
        """
        if self.waiting + len(events) > MOST:
            return False
        self.batches.append((events, changes))
        self.waiting += len(events)
        return True

    def drain(self, store: Callable[[Sequence[AnyEvent], Mapping[str, Any]], None]) -> None:
        """Store batch after batch; where one cannot be stored it is the first again."""
        while self.batches:
            events, changes = self.batches[0]
            store(events, changes)
            self.batches.popleft()
            self.waiting -= len(events)
