"""How many torch threads a task may use."""

import os


def cores() -> int:
    """Return how many cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
