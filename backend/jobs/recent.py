"""The last rows that were stored, in memory: what readers that keep up are given, without asking the store."""

import threading
from collections.abc import Sequence
from typing import Final

from backend.jobs.store import Row

ROWS: Final = 4096  # at most
BYTES: Final = 8 << 20  # of text, at most (the newest batch is kept however large it is)


class Recent:
    """A window onto the end of the log; safe to call from several threads.

    Args:
        rows: at most so many.
        size: of text, at most.
    """

    def __init__(self, rows: int = ROWS, size: int = BYTES) -> None:
        self._most_rows, self._most_bytes = rows, size
        self._lock = threading.Lock()
        self._rows: list[Row] = []  # of consecutive numbers
        self._bytes = 0
        self.last = 0  # the newest row's number; 0 before the first

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, rows: Sequence[Row]) -> None:
        """Take in rows as they were stored, in order; after a gap the window begins anew."""
        if not rows:
            return
        with self._lock:
            if rows[0].row != self.last + 1:
                self._rows, self._bytes = [], 0
            gone = self._too_many(rows)
            self._bytes += sum(len(row.text) for row in rows) - sum(len(row.text) for row in self._rows[:gone])
            del self._rows[:gone]
            self._rows += rows
            self.last = rows[-1].row

    def after(self, row: int, limit: int) -> list[Row] | None:
        """Return the rows that follow a number, at most so many.

        Args:
            row: the last number that is known.
            limit: of the answer.

        Returns:
            The rows; None where some of them are no longer in the window, or never were.
        """
        with self._lock:
            first = self.last + 1 - len(self._rows)
            if row < first - 1 or not self._rows:  # before the first row the store may hold older ones
                return None
            return self._rows[row + 1 - first : row + 1 - first + limit] if row < self.last else []

    def _too_many(self, rows: Sequence[Row]) -> int:
        """Count the oldest rows that must go to make room, a good part at once."""
        size = self._bytes + sum(len(row.text) for row in rows)
        count = len(self._rows) + len(rows)
        if size <= self._most_bytes and count <= self._most_rows:
            return 0
        gone = 0
        while gone < len(self._rows) and (size > self._most_bytes // 2 or count > self._most_rows // 2):
            size, count, gone = size - len(self._rows[gone].text), count - 1, gone + 1
        return gone
