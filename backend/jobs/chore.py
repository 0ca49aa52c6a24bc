"""Something that is done again and again, beside everything else."""

import logging
import threading
from collections.abc import Callable

LOG = logging.getLogger(__name__)


class Chore:
    """Does something at once and then again and again, in a thread of its own, from ``start`` to ``stop``.

    Args:
        name: the thread's.
        act: what is done; an exception is logged, and the next time may go better.
        every: seconds between two times.
    """

    def __init__(self, name: str, act: Callable[[], object], every: float) -> None:
        self._act, self._every = act, every
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let it end; what it is about is finished first."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        while True:
            try:
                self._act()
            except Exception:
                LOG.exception("%s failed; it is tried again in %g s", self._thread.name, self._every)
            if self._stopping.wait(self._every):
                return
