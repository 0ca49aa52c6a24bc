"""One server a data directory: a lock that the system lets go of when its holder dies, however it dies."""

import os
import sys
from pathlib import Path

from backend.jobs.errors import Unavailable

NAME = "gradscape.lock"


class DirectoryLock:
    """Holds a data directory, which is made where it is missing.

    Args:
        directory: the data directory.

    Raises:
        Unavailable: where another process holds it, or it cannot be written to.
    """

    def __init__(self, directory: Path) -> None:
        file = directory / NAME
        try:
            directory.mkdir(parents=True, exist_ok=True)
            self._file = file.open("a+", encoding="utf-8")
        except OSError as error:
            raise Unavailable(
                f"cannot write to the data directory {directory}: {error.strerror}",
                hint="Choose another directory, or change its permissions.",
                where=str(directory),
            ) from error
        try:
            _lock(self._file.fileno())
        except OSError as error:
            self._file.seek(0)
            holder = self._file.read().strip() or "unknown"
            self._file.close()
            raise Unavailable(
                f"another Gradscape (process {holder}) is using the data directory {directory}",
                hint="Stop it, or choose another data directory.",
                where=str(directory),
            ) from error
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def release(self) -> None:
        """Let the directory go; idempotent."""
        self._file.close()


if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    def _lock(descriptor: int) -> None:
        os.lseek(descriptor, 1 << 20, os.SEEK_SET)  # past the text, which stays readable to others
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
