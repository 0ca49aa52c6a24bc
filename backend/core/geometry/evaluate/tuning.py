"""The quickest plan for a network, measured once in a process and remembered.

Shapes: K points, D directions.
"""

from collections.abc import Generator, Sequence
from functools import partial
from time import perf_counter
from typing import Final

from backend.core.analyses.base import ALIVE, Tick
from backend.core.geometry.evaluate.blocks import Blocks
from backend.core.geometry.evaluate.plan import Plan, Work, candidates, pinned
from backend.core.runtime.hands import shared

REPEATS: Final = 3  # of each plan at least; the quickest counts
MOST: Final = 20
PART: Final = 4  # of a piece of work is timed
ENOUGH: Final = 0.012  # seconds that a plan is timed for, if its blocks are small
NEAR: Final = 1.15  # times the quickest: then larger blocks, which leave the hands less to wait for each other
SLICE: Final = 0.04  # seconds that one block may take, so that a worker can look around
_known: dict[Work, Plan] = {}


def tuned(work: Work, blocks: Blocks, coefficients: Sequence[float]) -> Generator[Tick, None, Plan]:
    """Time one block of each plan that may be quickest, and remember the winner.

    Args:
        work: what the plan hangs on.
        blocks: of the network.
        coefficients: of the point [D] that is evaluated.

    Yields:
        A tick for each evaluation.

    Returns:
        The plan.
    """
    if work not in _known:
        cost: dict[Plan, float] = {}
        for plan in candidates(work):
            if plan not in cost:
                cost[plan] = yield from _timed(work, plan, blocks, coefficients)
        near = [plan for plan in cost if cost[plan] <= NEAR * min(cost.values())]
        # Many points at once only where that is clearly quicker; where nothing is quick enough, what hangs on nothing.
        timed = min(cost.values()) < float("inf")
        _known[work] = min(near, key=lambda plan: (plan.together, -plan.block)) if timed else pinned(work)
    return _known[work]


def _timed(work: Work, plan: Plan, blocks: Blocks, coefficients: Sequence[float]) -> Generator[Tick, None, float]:
    """Return the seconds a plan takes for one example at one point; infinity where one block of it takes too long."""
    block = blocks.open(0, plan.block, keep=False)
    points = [coefficients] * max(plan.together, plan.piece(blocks.products) // PART)
    each = [partial(block.losses, points, plan.together)] * work.hands  # all at once, as they will be
    quickest, spent = float("inf"), 0.0
    for repeat in range(MOST):
        began = perf_counter()
        for losses in shared(each, work.hands):
            losses.sum().item()  # waits for a GPU
        took = perf_counter() - began
        quickest, spent = min(quickest, took), spent + took
        yield ALIVE
        if repeat + 1 >= REPEATS and spent >= ENOUGH:
            break
    return quickest / (plan.block * len(points)) if quickest < SLICE else float("inf")
