"""How much is evaluated at once: examples of a block, and points under one vmap.

Shapes: N examples.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import torch

from backend.core.geometry.evaluate.sample import Sample
from backend.core.problems.custom.module import ModuleModel
from backend.core.runtime.hands import hands

CACHED: Final = 1 << 19  # bytes of a first layer's block that stay in a core's cache with the layers after it
ON_GPU: Final = 1 << 26  # bytes of a block that keeps a GPU busy
PRODUCTS: Final = 500_000_000  # of one block: some 20 ms, so that a worker can look around between two
FEWEST: Final = 16  # examples of a block
TOGETHER: Final = 16  # points under one vmap on a GPU
PIECE: Final = 400_000_000  # products that a hand does before it is asked again: some 8 ms
CALLS: Final = 2_000_000  # products that could be done while the layers of a point are called, without any data
EVEN: Final = 16  # blocks are nearly equal, and multiples of this


@dataclass(frozen=True)
class Plan:
    """Examples of a block, and points under one vmap; 1 is a plain loop."""

    block: int
    together: int = 1

    def piece(self, products: int) -> int:
        """Return how many points a hand evaluates on a block before it is asked again.

        Args:
            products: of one example at one point.
        """
        return max(self.together, PIECE // (self.block * products + CALLS // self.together))

    def smaller(self, whole: bool) -> "Plan":
        """Return half of it at once, for a memory that is not enough; of examples that must be one block, all.

        Example:
            >>> Plan(512, 16).smaller(whole=False), Plan(512, 16).smaller(whole=True)
            (Plan(block=256, together=8), Plan(block=512, together=8))
        """
        return Plan(self.block if whole else max(1, self.block // 2), max(1, self.together // 2))


@dataclass(frozen=True)
class Work:
    """What the right plan hangs on."""

    network: tuple[str, int, int]  # the model's class, its parameters, its buffers
    shape: tuple[int, ...]  # of what the first layer makes of one example
    examples: int
    whole: bool  # the examples must be one block: BatchNorm takes its statistics from them
    dtype: torch.dtype
    device: str
    hands: int
    arithmetic: str
    own: bool = False  # a module of somebody's own, which may not bear many points at once

    @property
    def bytes(self) -> int:
        """Size of what the first layer makes of one example."""
        return max(1, torch.Size(self.shape).numel() * self.dtype.itemsize)

    def block(self, size: int) -> int:
        """Return how many examples have this size together, in bytes, within what a worker may do at once."""
        if self.whole:
            return self.examples
        most = max(FEWEST, PRODUCTS // max(1, self.network[1])) if self.device == "cpu" else self.examples
        count = max(1, min(self.examples, max(FEWEST, size // self.bytes), most))
        even = math.ceil(self.examples / math.ceil(self.examples / count))
        return min(self.examples, EVEN * math.ceil(even / EVEN))


def pinned(work: Work) -> Plan:
    """Return the plan that hangs on nothing that is measured, so that a seed repeats exactly."""
    if work.device == "cpu":
        return Plan(work.block(CACHED))
    return Plan(work.block(ON_GPU), 1 if work.whole or work.own else TOGETHER)


def candidates(work: Work) -> Iterator[Plan]:
    """Yield the plans worth timing, the pinned one first."""
    yield pinned(work)
    if work.whole:
        return
    small, large = (17, 23) if work.device == "cpu" else (23, 29)
    yield from {Plan(work.block(1 << power)): None for power in range(small, large)}
    # Where a point takes microseconds, calls cost more than arithmetic: many points at once.
    if work.examples * work.bytes <= (1 << 16 if work.device == "cpu" else 1 << 26):
        yield from (Plan(work.examples, together) for together in (8, 32))


def work_of(where: Sample, shape: tuple[int, ...], dtype: torch.dtype, arithmetic: str) -> Work:
    """Describe the work on a sample.

    Args:
        where: the sample.
        shape: of what the first layer makes of one example.
        dtype: number format of the evaluation.
        arithmetic: what products round to.

    Returns:
        The description, the same for all that a plan may be shared between.
    """
    problem, data = where.problem, where.examples
    return Work(
        network=(type(problem.model).__qualname__, problem.layout.size, problem.buffer_layout.size),
        shape=shape,
        examples=1 if data is None else len(data),
        whole=where.mixed,
        dtype=dtype,
        device=problem.device.type,
        hands=hands(problem.device),
        arithmetic=arithmetic,
        own=isinstance(problem.model, ModuleModel),
    )
