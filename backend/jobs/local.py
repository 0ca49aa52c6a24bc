"""The default engine: spawned worker processes on this machine."""

from functools import partial
from typing import Final

from backend.jobs.engine import Task
from backend.jobs.machine import fair_share, gpus, pinned_share
from backend.jobs.pool import GRACE, PoolEngine
from backend.jobs.process import WorkerProcess
from backend.jobs.slots import Slot
from backend.jobs.workshop import CORE_WORKSHOP

WORKERS: Final = 2  # at least: one for races, one for analyses
SPARES: Final = 4  # at most so many further workers, for balls and forks that are dropped into a race


class LocalEngine(PoolEngine):
    """Runs tasks in worker processes.

    With two workers or more the last one takes analyses only, and spare ones come up later, for races that branch off
    others: a ball that is dropped into a race starts at once. One of them is idle or coming up, two beside a race.

    Args:
        workers: how many; None: one for each GPU, and at least two.
        workshop: dotted name of where analyses come from.
        threads: torch threads of every task; None: the cores shared out among the busy workers, as they come and go
            (half of the cores for a run that must repeat exactly).
        grace: seconds between asking a worker to stop and killing it.
    """

    def __init__(
        self,
        workers: int | None = None,
        workshop: str = CORE_WORKSHOP,
        threads: int | None = None,
        grace: float = GRACE,
    ) -> None:
        count = max(WORKERS, gpus()) if workers is None else workers

        def share(task: Task, busy: int) -> int:
            if threads is not None:
                return threads
            return fair_share(busy) if task.request.tune else pinned_share()

        super().__init__(
            "local",
            [Slot(i, "analyses" if count > 1 and i == count - 1 else "anything") for i in range(count)],
            [Slot(count + i, "branches") for i in range(SPARES if count > 1 else 0)],
            partial(WorkerProcess, workshop),
            share,
            grace,
            steady=pinned_share() if threads is None else None,
        )
