"""A long step that cannot be cut, in a thread of its own, while the analysis goes on to say that it lives."""

import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future, wait
from typing import Final, TypeVar

from backend.core.analyses.base import ALIVE, TICK, Tick

WAIT: Final = 0.03  # seconds between ticks
ResultT = TypeVar("ResultT")


def aside(work: Callable[[], ResultT]) -> Generator[Tick, None, ResultT]:
    """Work in another thread; closing the generator leaves it to end by itself, unheard.

    Args:
        work: one long call that lets other threads run, such as a decomposition; it changes nothing that others see.

    Yields:
        Ticks.

    Returns:
        What the work returns; what it raises is raised here.
    """
    done: Future[ResultT] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as failure:  # handed on, whatever it is
            done.set_exception(failure)

    threading.Thread(target=run, name="aside", daemon=True).start()
    while wait([done], WAIT).not_done:
        yield ALIVE
    yield TICK
    return done.result()
