"""What of this machine a task may use: how many torch threads, and how many GPUs there are to share."""

import os
import sys
from pathlib import Path
from typing import Final

NVIDIA: Final = Path("/proc/driver/nvidia/gpus")


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
    """Return the threads of what must repeat exactly, every race's steps: the same whatever else is going on.

    Sums of floats depend on how they are split over threads.
    """
    return max(1, cores() // 2)


def memory() -> float:
    """Return the memory of this machine in GiB, infinite where the system does not say."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    except (ValueError, OSError, AttributeError):
        return float("inf")


def gpus(listed: Path = NVIDIA) -> int:
    """Return how many NVIDIA GPUs this process may use, without loading torch (0 where the system lists none)."""
    here = len(list(listed.iterdir())) if listed.is_dir() else 0
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    return (
        here if allowed is None else min(here, sum(1 for name in allowed.split(",") if name.strip() not in ("", "-1")))
    )
