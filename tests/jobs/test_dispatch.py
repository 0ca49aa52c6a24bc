"""The dispatcher, with workers that are only pretended: who gets what, and who gets nothing more."""

import time
from pathlib import Path

from backend.jobs.engine import Ended
from backend.jobs.messages import Begin, Done, Hello, Message
from backend.jobs.pool import Heard, PoolEngine
from backend.jobs.slots import Slot
from backend.schemas.catalog import Catalog
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.run import TrainRequest
from tests.jobs.sinks import Memory, script, task

PATIENCE = 20.0
CATALOG = Catalog(problems=(), models=(), losses=(), optimizers=(), schedules=(), planes=(), analyses=())


class Pretended:
    """Says hello; keeps what it was given, and ends it when it is told to."""

    pid, exit_code = 1, None

    def __init__(self, heard: Heard) -> None:
        self._heard = heard
        self.given: list[Begin] = []
        heard(self, Hello(CATALOG))

    def send(self, message: Message) -> None:
        if isinstance(message, Begin):
            self.given.append(message)

    def end(self) -> None:
        self._heard(self, Done(Ended("succeeded")))

    def kill(self) -> None:
        """It was about to say that it is done, which is heard before its death."""
        self.end()
        self._heard(self, None)

    def close(self, grace: float) -> None:
        """Nothing is left of it."""


def engine(count: int, grace: float = 0.0) -> tuple[PoolEngine, list[Pretended]]:
    there: list[Pretended] = []

    def start(heard: Heard) -> Pretended:
        there.append(Pretended(heard))
        return there[-1]

    made = PoolEngine("pretended", [Slot(i, "anything") for i in range(count)], [], start, lambda task, busy: 1, grace)
    return made, there


def wait_for(there: list[Pretended], count: int) -> list[Begin]:
    """Wait until so many parts have been given out."""
    until = time.monotonic() + PATIENCE
    while sum(len(each.given) for each in there) < count and time.monotonic() < until:
        time.sleep(0.002)
    return [begin for each in there for begin in each.given]


def test_the_parts_of_a_race_begin_together() -> None:
    pool, there = engine(3)
    sink = Memory()
    request = TrainRequest(problem=DataProblem(data=DigitsData()), steps=600, repeats=2)
    handle = pool.submit((task("run", request, Path()),), sink)
    begun = wait_for(there, 2)
    assert sorted((begin.task.part, begin.task.parts) for begin in begun) == [(0, 2), (1, 2)]
    assert pool.state().workers.count("run run") == 2
    for worker in [each for each in there if each.given]:
        worker.end()
    assert handle.wait(PATIENCE) == Ended("succeeded")
    pool.close()


def test_a_worker_that_was_killed_takes_nothing_more() -> None:
    pool, there = engine(1)
    sink = Memory()
    first, second = (pool.submit((task(name, script(name), Path()),), sink) for name in ("first", "second"))
    wait_for(there, 1)
    first.cancel()  # and killed at once
    assert first.wait(PATIENCE) is not None
    wait_for(there, 2)
    assert [[begin.task.run for begin in each.given] for each in there] == [["first"], ["second"]]
    there[-1].end()
    assert second.wait(PATIENCE) == Ended("succeeded")
    pool.close()
