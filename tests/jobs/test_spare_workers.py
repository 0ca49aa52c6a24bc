"""Spare workers are warm before they are wanted: a ball that is dropped into a race waits for no start."""

from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from threading import Event

import pytest

from backend.jobs import pool
from backend.jobs.engine import Source, Task
from backend.jobs.local import SPARES
from backend.jobs.messages import Begin, Hello, Message
from backend.jobs.pool import Heard, PoolEngine
from backend.jobs.slots import Slot
from backend.schemas.catalog import Catalog
from backend.schemas.events import ResolvedPoint
from tests.jobs.sinks import Memory, script, task

PATIENCE = 20.0


class Puppet:
    """A worker that says hello when it is told to, and works on a task for ever."""

    pid = 1
    exit_code: int | None = None

    def __init__(self, heard: Heard, begun: "SimpleQueue[tuple[Puppet, str]]") -> None:
        self._heard, self._begun = heard, begun

    def hello(self) -> None:
        self._heard(self, Hello(Catalog.model_construct()))

    def send(self, message: Message) -> None:
        if isinstance(message, Begin):
            self._begun.put((self, message.task.run))

    def kill(self) -> None:
        if self.exit_code is None:
            self.exit_code = -9
            self._heard(self, None)

    def close(self, grace: float) -> None:
        del grace


class Theatre:
    """An engine of puppets."""

    def __init__(self) -> None:
        self.started: SimpleQueue[Puppet] = SimpleQueue()
        self.begun: SimpleQueue[tuple[Puppet, str]] = SimpleQueue()
        slots = [Slot(0, "anything"), Slot(1, "analyses")]
        spares = [Slot(2 + place, "branches") for place in range(SPARES)]
        self.engine = PoolEngine("puppets", slots, spares, self._start, lambda task, busy: 1)

    def _start(self, heard: Heard) -> Puppet:
        puppet = Puppet(heard, self.begun)
        self.started.put(puppet)
        return puppet

    def submit(self, what: Task) -> None:
        self.engine.submit((what,), Memory())

    def settle(self) -> None:
        """Wait until the engine has nothing left to do."""
        for _ in range(3):  # a start that is due is seen to after the action that asked for it
            done = Event()
            self.engine._inbox.put(done.set)
            assert done.wait(PATIENCE)


@pytest.fixture
def theatre(monkeypatch: pytest.MonkeyPatch) -> Iterator[Theatre]:
    monkeypatch.setattr(pool, "LEISURE", 0.0)
    theatre = Theatre()
    yield theatre
    theatre.engine.close(0.0)


def test_balls_one_after_the_other_beside_a_race_wait_for_no_start(theatre: Theatre, tmp_path: Path) -> None:
    started, begun = theatre.started, theatre.begun
    general, analyst = (started.get(timeout=PATIENCE) for _ in range(2))
    general.hello()
    analyst.hello()
    first = started.get(timeout=PATIENCE)
    first.hello()
    theatre.settle()
    assert started.empty()  # one is enough while nothing runs

    def ball(name: str) -> Task:
        return task(name, script("endless"), tmp_path, 0, 1, Source(tmp_path, ResolvedPoint(run="race", step=0)))

    theatre.submit(task("race", script("endless"), tmp_path))
    assert begun.get(timeout=PATIENCE) == (general, "race")
    second = started.get(timeout=PATIENCE)
    second.hello()
    theatre.settle()
    assert started.empty()

    theatre.submit(ball("one"))
    assert begun.get(timeout=PATIENCE) == (first, "one")
    third = started.get(timeout=PATIENCE)  # asked for by the first ball, and not warm yet
    theatre.submit(ball("two"))
    assert begun.get(timeout=PATIENCE) == (second, "two")
    fourth = started.get(timeout=PATIENCE)
    theatre.submit(ball("three"))
    theatre.settle()
    assert theatre.engine.queue() == ("three",)
    third.hello()
    assert begun.get(timeout=PATIENCE) == (third, "three")
    fourth.hello()
    theatre.submit(ball("four"))
    assert begun.get(timeout=PATIENCE) == (fourth, "four")
    theatre.settle()
    assert started.empty()
    assert theatre.engine.queue() == ()
