"""A worker as its parent sees it: a spawned process, a pipe to it, and a thread that reads what it says.

Spawned with ``subprocess`` and not with ``multiprocessing``: that would start a tracker process beside the workers
and run the caller's main module again in each.
"""

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from threading import Thread
from typing import BinaryIO, Final, cast

from backend.jobs.messages import Message, read_message, write_message

LOG = logging.getLogger(__name__)
# Threads that wait by spinning would take the cores from the other worker (two workers of two threads on two cores
# ran 300 times slower). They must be told before torch loads.
PATIENCE: Final = {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0"}
START: Final = "import sys; sys.path[:] = {path!r}; from backend.jobs.worker import serve; serve({workshop!r})"


class WorkerProcess:
    """A running worker.

    Args:
        workshop: dotted name of where its analyses come from.
        heard: is called from the reading thread with each message, and with None once it has died.
    """

    def __init__(self, workshop: str, heard: "Callable[[WorkerProcess, Message | None], None]") -> None:
        start = START.format(path=sys.path, workshop=workshop)
        self._process = subprocess.Popen(
            [sys.executable, "-c", start],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **PATIENCE},
            start_new_session=True,  # Ctrl-C in the terminal is the parent's to answer
        )
        self._input = cast("BinaryIO", self._process.stdin)
        self._output = cast("BinaryIO", self._process.stdout)
        self._heard = heard
        self._reader = Thread(target=self._read, name=f"gradscape-worker-{self.pid}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def send(self, message: Message) -> None:
        """Say something to it; lost where it has died, which is heard elsewhere."""
        try:
            write_message(self._input, message)
        except OSError:
            LOG.debug("worker %s has gone", self.pid)

    def kill(self) -> None:
        """End it now; idempotent."""
        self._process.kill()

    @property
    def exit_code(self) -> int | None:
        """How it ended: minus the signal's number where it was killed; None while it lives."""
        return self._process.poll()

    def close(self, grace: float) -> None:
        """Let it go: it ends when its input does, or is killed after the grace time."""
        try:
            self._input.close()
        except OSError:
            LOG.debug("worker %s went first", self.pid)
        try:
            self._process.wait(grace)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._output.close()

    def _read(self) -> None:
        while (message := read_message(self._output)) is not None:
            self._heard(self, message)
        self._heard(self, None)
