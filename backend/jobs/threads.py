"""How many torch threads a task may use."""

import os
import sys


def cores() -> int:
    """Return how many cores this process may run on; OMP_NUM_THREADS, where it is set, allows fewer."""
    here = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return min(here, int(allowed)) if allowed.isdigit() and int(allowed) else here


def fair_share(busy: int) -> int:
    """Return each busy worker's share: all cores where the others rest.

    Args:
        busy: how many workers have a task.
    """
    return max(1, cores() // max(1, busy))


def pinned_share() -> int:
    """Return the threads of a run that must repeat exactly: the same on every engine, whatever else is going on.

    Sums of floats depend on how they are split over threads.
    """
    return max(1, cores() // 2)
