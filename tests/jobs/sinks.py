"""A sink that remembers, and requests and tasks for the scripted workshop."""

import threading
from pathlib import Path
from typing import Any

from backend.jobs.engine import Ended, Source, Task
from backend.schemas.events import AnyEvent
from backend.schemas.problem import FunctionProblem
from backend.schemas.run import AnyRequest, TrainRequest


def script(name: str, **fields: Any) -> TrainRequest:
    return TrainRequest(**{"name": name, "problem": FunctionProblem(), "tune": False, **fields})


def task(run: str, request: AnyRequest, folder: Path, part: int = 0, parts: int = 1, *sources: Source) -> Task:
    return Task(run, request, folder, part, parts, sources)


class Memory:
    """Keeps what an engine tells, by run, and refuses what no engine may tell."""

    def __init__(self) -> None:
        self.told: dict[str, list[AnyEvent]] = {}
        self.ends: dict[str, Ended] = {}
        self._changed = threading.Condition()

    def started(self, run: str) -> None:
        with self._changed:
            assert run not in self.told, "started twice"
            self.told[run] = []
            self._changed.notify_all()

    def events(self, run: str, events: list[AnyEvent]) -> None:
        with self._changed:
            assert run not in self.ends, "events after the end"
            assert events, "an empty batch"
            self.told[run] += events
            self._changed.notify_all()

    def ended(self, run: str, ended: Ended) -> None:
        with self._changed:
            assert run not in self.ends, "ended twice"
            self.ends[run] = ended
            self._changed.notify_all()

    def wait_for(self, run: str, kind: str, timeout: float = 60.0) -> AnyEvent:
        """Wait until a run has told an event of a kind, and return the first of them."""

        def found() -> AnyEvent | None:
            return next((event for event in self.told.get(run, ()) if event.kind == kind), None)

        with self._changed:
            assert self._changed.wait_for(lambda: found() is not None, timeout), f"{run} has told no {kind}"
            event = found()
        assert event is not None
        return event

    def kinds(self, run: str) -> list[str]:
        return [event.kind for event in self.told[run]]
