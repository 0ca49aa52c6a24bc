"""A worker that lives in a Ray actor: the same work as in a worker process, told and heard through method calls.

Two groups of one thread each keep what is said in order: ``hear`` while a task runs, and ``tell``, which waits until
there is something to tell. Messages travel as pickles of our own: arrays that Ray unpacks would be views of its shared
memory, which nobody may write to and which stay there for as long as they live.
"""

import os
import pickle
import queue
import threading
from typing import Final

from backend.jobs.messages import Message
from backend.jobs.worker import Desk, work
from backend.jobs.workshop import load_workshop

WAITING: Final = 64  # messages at most that the parent has not fetched; then the work waits
GROUPS: Final = {"hear": 1, "tell": 1}


class RayActor:
    """Works on one task after another.

    Args:
        workshop: dotted name of where its analyses come from.
    """

    def __init__(self, workshop: str) -> None:
        self._desk = Desk()
        self._told: queue.Queue[Message] = queue.Queue(WAITING)
        self._worker = threading.Thread(target=self._work, args=(workshop,), name="gradscape-work", daemon=True)
        self._worker.start()

    def pid(self) -> int:
        """Return the number of the actor's process."""
        return os.getpid()

    def hear(self, frame: bytes) -> None:
        """Take what the parent says."""
        self._desk.take(pickle.loads(frame))

    def tell(self) -> bytes:
        """Wait until there is something to tell, and return all of it."""
        messages = [self._told.get()]
        while not self._told.empty():
            messages.append(self._told.get())
        return pickle.dumps(messages, pickle.HIGHEST_PROTOCOL)

    def _work(self, workshop: str) -> None:
        try:
            work(load_workshop(workshop), self._desk, self._told.put)
        finally:
            os._exit(1)  # the work never ends by itself; without it the actor is of no use
