"""A long step in a thread of its own."""

import threading
from collections.abc import Generator

import pytest

from backend.core.analyses.aside import aside
from backend.core.analyses.base import ALIVE, TICK, Tick


def test_it_says_that_it_lives_and_returns_what_was_found() -> None:
    go, ticks = threading.Event(), []

    def work() -> int:
        assert go.wait(60)
        return 7

    found = []

    def asked() -> Generator[Tick, None, None]:
        found.append((yield from aside(work)))

    for tick in asked():
        ticks.append(tick)
        if len(ticks) == 2:
            go.set()
    assert found == [7]
    assert ticks[:2] == [ALIVE, ALIVE]
    assert ticks[-1] is TICK


def test_closed_it_does_not_wait() -> None:
    go = threading.Event()
    steps = aside(lambda: go.wait(60))
    next(steps)
    steps.close()
    assert not go.is_set()
    go.set()


def test_what_fails_there_fails_here() -> None:
    def work() -> None:
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        list(aside(work))
