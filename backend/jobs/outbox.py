"""Events on their way out of a task: the first after a silence goes at once, the next ones together."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Final

from backend.schemas.events import AnyEvent

SEND_EVERY: Final = 0.03  # seconds between two sendings
Send = Callable[[list[AnyEvent]], None]


class Outbox:
    """Gathers events for a few hundredths of a second; a thread sends what the task, busy since, cannot.

    Args:
        send: takes events; called by one thread at a time, in order.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._waiting: list[AnyEvent] = []
        self._due = 0.0
        self._changed = threading.Condition()
        self._closed = False
        self._broken: Exception | None = None
        self._sender = threading.Thread(target=self._work, name="gradscape-outbox", daemon=True)
        self._sender.start()

    def add(self, events: Sequence[AnyEvent]) -> None:
        """Send events, now or soon.

        Raises:
            Exception: what ``send`` has raised, where it can send no more.
        """
        if not events:
            return
        with self._changed:
            if self._broken is not None:
                raise self._broken
            self._waiting += events
            if time.monotonic() >= self._due:
                self._flush()
            else:
                self._changed.notify()

    def close(self) -> None:
        """Send what waits, and let the thread go."""
        with self._changed:
            self._closed = True
            self._flush()
            self._changed.notify()
        self._sender.join()

    def _flush(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self._send(waiting)
            self._due = time.monotonic() + SEND_EVERY

    def _work(self) -> None:
        with self._changed:
            while not self._closed:
                left = self._due - time.monotonic()
                if not self._waiting:
                    self._changed.wait()
                elif left > 0.0:
                    self._changed.wait(left)
                else:
                    try:
                        self._flush()
                    except Exception as error:
                        self._broken = error
                        return
