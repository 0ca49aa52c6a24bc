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
BETTER: Final = 0.95  # of the pinned plan's time; a smaller gain may be noise
NEAR: Final = 1.15  # in place, times the quickest: then larger blocks, so that the hands wait less for each other
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
        usual, quickest = pinned(work), min(cost, key=lambda plan: cost[plan])
        if blocks.in_place and cost[quickest] < float("inf"):
            near = [plan for plan in cost if cost[plan] <= NEAR * cost[quickest]]
            # Many points at once only where that is clearly quicker.
            _known[work] = min(near, key=lambda plan: (plan.together, -plan.block))
        else:
            _known[work] = quickest if cost[quickest] < BETTER * cost[usual] else usual
    return _known[work]


def _timed(work: Work, plan: Plan, blocks: Blocks, coefficients: Sequence[float]) -> Generator[Tick, None, float]:
    """Time a plan.

    Yields:
        A tick for each evaluation.

    Returns:
        Seconds for one example at one point; infinity where one block of it takes too long, and where a module cannot
        be evaluated at many points at once (which has a condition on a value, say).

    Raises:
        RuntimeError: what the module raises at one point after another.
    """
    block = blocks.open(0, plan.block, keep=False)
    points = [coefficients] * max(plan.together, plan.piece(blocks.products) // PART)
    each = [partial(block.losses, points, plan.together)] * work.hands  # all at once, as they will be
    quickest, spent = float("inf"), 0.0
    for repeat in range(MOST):
        began = perf_counter()
        try:
            for losses in shared(each, work.hands):
                losses.sum().item()  # waits for a GPU
        except RuntimeError:
            if plan.together == 1:
                raise
            return float("inf")
        took = perf_counter() - began
        quickest, spent = min(quickest, took), spent + took
        yield ALIVE
        if repeat + 1 >= REPEATS and spent >= ENOUGH:
            break
    return quickest / (plan.block * len(points)) if quickest < SLICE else float("inf")
