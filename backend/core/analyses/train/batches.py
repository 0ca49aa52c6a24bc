"""The batch of every step: each epoch is a permutation of the training split, its ragged last batch kept.

Shapes: N examples, M examples of a batch.
"""

import torch
from torch import Tensor

from backend.core.problems.problem import Data
from backend.core.runtime.seeding import generator


class Batches:
    """Batches as a pure function of (seed, step); all lanes that take the same step get the same tensors."""

    def __init__(self, data: Data, size: int | None, seed: int) -> None:
        self._data, self._seed = data, seed
        self._size = None if size is None or size >= len(data) else size
        self._epoch, self._order_N = -1, data.y
        self._step, self._batch = 0, (data.x, data.y)

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        """Return inputs [M, ...] and targets of the batch that gives the ``step``-th gradient, counted from 1."""
        if self._size is None or step == self._step:
            return self._batch
        self._step, self._batch = step, self._draw(step, self._size)
        return self._batch

    def _draw(self, step: int, size: int) -> tuple[Tensor, Tensor]:
        per_epoch = -(-len(self._data) // size)
        epoch, index = divmod(step - 1, per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order_N = epoch, permutation(len(self._data), self._seed, epoch).to(self._data.y.device)
        chosen_M = self._order_N[index * size : (index + 1) * size]
        return self._data.x.index_select(0, chosen_M), self._data.y.index_select(0, chosen_M)


def permutation(examples: int, seed: int, epoch: int) -> Tensor:
    """Return the order [N] in which an epoch (0, 1, …) goes through the training split."""
    return torch.randperm(examples, generator=generator(seed, "batches", epoch))
