"""The batch of every step: each epoch is a permutation of the training split, its ragged last batch kept.

A differential equation may have new points at each step instead.

Shapes: N examples, M examples of a batch.
"""

from typing import Protocol

import torch
from torch import Tensor

from backend.core.problems.problem import Data, Solution
from backend.core.runtime.seeding import generator


class Steps(Protocol):
    """Batches as a pure function of the step."""

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        """Return inputs [M, ...] and targets of the batch that gives the ``step``-th gradient, counted from 1."""
        ...


class FreshPoints:
    """New points at each step as a pure function of (seed, step); all lanes that take the same step get the same.

    Args:
        solution: where they are drawn.
        size: M; None for as many as the equation asks for.
        seed: of the run and repeat.
    """

    def __init__(self, solution: Solution, size: int | None, seed: int) -> None:
        self._solution, self._size, self._seed = solution, size, seed
        self._step, self._batch = 0, self._draw(0)

    def at(self, step: int) -> tuple[Tensor, Tensor]:
        """Return the points [M, D] of a step, and the right-hand side there."""
        if step != self._step:
            self._step, self._batch = step, self._draw(step)
        assert self._batch is not None, "only points that are drawn are asked for"
        return self._batch.x, self._batch.y

    @property
    def drawn(self) -> bool:
        """Whether the equation draws its points at all."""
        return self._batch is not None

    def _draw(self, step: int) -> Data | None:
        return self._solution.draw(self._size, generator(self._seed, "points", step))


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
