"""Room for the snapshots of a loop: one page is filled by the loop while the other is sent.

Pages are made once and written over and over. A copy of its own for each snapshot would cost the loop more than the
copying: memory that is asked for and given back moves what the loop itself asks for.
"""

import threading
from collections.abc import Sequence
from typing import Final

import numpy as np
import torch

ROWS: Final = 64  # snapshots of a page at most,
LARGEST: Final = 16 << 20  # and bytes, as long as one snapshot is not larger itself


class Pages:
    """Two pages of rows; filled by one thread, read by another.

    Args:
        tensors: what is copied, one after the other, as float32.
    """

    def __init__(self, tensors: Sequence[torch.Tensor]) -> None:
        self._tensors = tensors
        self._size = sum(each.numel() for each in tensors)
        self._rows = max(1, min(ROWS, LARGEST // max(1, 4 * self._size)))
        self._page, self._spare = self._new(), self._new()
        self._steps: list[int] = []
        self._lock = threading.Lock()

    @property
    def half_full(self) -> bool:
        """Whether it is time to send what there is."""
        return 2 * len(self._steps) >= self._rows

    def put(self, step: int) -> bool:
        """Copy the tensors as they are now.

        Args:
            step: how many updates they have had.

        Returns:
            False where the page is full and the other one still being sent: they were not copied.

        Raises:
            RuntimeError: where the tensors have other sizes than they had.
        """
        with self._lock, torch.no_grad():
            if len(self._steps) == self._rows:
                return False
            flat = [each.detach().reshape(-1) for each in self._tensors]
            if (size := sum(map(len, flat))) != self._size:
                raise RuntimeError(f"the model had {self._size:,} parameters when this began, and has {size:,}")
            torch.cat(flat, out=self._page[len(self._steps)])
            self._steps.append(step)
        return True

    def take(self) -> tuple[list[int], memoryview]:
        """Return the steps that were put since the last call, and their parameters, little-endian, until the next."""
        with self._lock:
            steps, self._steps = self._steps, []
            self._page, self._spare = self._spare, self._page
        rows = self._spare[: len(steps)].cpu().numpy()
        return steps, rows.astype("<f4", copy=False).reshape(-1).view(np.uint8).data

    def _new(self) -> torch.Tensor:
        return torch.empty(self._rows, self._size, device=self._tensors[0].device if self._tensors else None)
