"""The control messages of one running task: put by one thread, taken between two steps by another."""

import threading
import time
from collections import deque
from collections.abc import Sequence

from backend.schemas.control import AnyControl, Cancel


class ControlBox:
    """A mailbox; asking it when it is empty costs one look at a deque."""

    def __init__(self) -> None:
        self._waiting: deque[AnyControl] = deque()
        self._came = threading.Event()
        self.cancelled_at: float | None = None  # time.monotonic() of the whole run's cancel

    def put(self, control: AnyControl) -> None:
        """Leave a message; wakes who is idle."""
        if isinstance(control, Cancel) and control.lane is None and self.cancelled_at is None:
            self.cancelled_at = time.monotonic()
        self._waiting.append(control)
        self._came.set()

    def take(self) -> Sequence[AnyControl]:
        """Return what has come since the last call, in order."""
        if not self._waiting:
            return ()
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return taken

    def idle(self, seconds: float) -> None:
        """Wait up to so long, ending early when a message has come."""
        if not self._waiting:
            self._came.wait(seconds)
        self._came.clear()
