"""An engine without workers: the test itself says what a run tells, and when."""

from backend.jobs.engine import Ended, EngineState, Outcome, Sink, Task
from backend.schemas.catalog import Catalog
from backend.schemas.control import AnyControl
from backend.schemas.events import AnyEvent

CATALOG = Catalog(problems=(), models=(), losses=(), optimizers=(), schedules=(), planes=(), analyses=())


class FakeRun:
    """A submitted run; it does what it is told to."""

    def __init__(self, run: str, sink: Sink) -> None:
        self.run, self.sink = run, sink
        self.controls: list[AnyControl] = []
        self.cancels = 0
        self.over: Ended | None = None

    def start(self) -> None:
        self.sink.started(self.run)

    def tell(self, *events: AnyEvent) -> None:
        self.sink.events(self.run, list(events))

    def end(self, outcome: Outcome = "succeeded") -> None:
        self.over = Ended(outcome)
        self.sink.ended(self.run, self.over)

    def send(self, control: AnyControl) -> None:
        self.controls.append(control)

    def cancel(self) -> None:
        self.cancels += 1

    def wait(self, timeout: float | None = None) -> Ended | None:
        return self.over


class FakeEngine:
    """Remembers what it is given."""

    width = 1

    def __init__(self) -> None:
        self.runs: dict[str, FakeRun] = {}
        self.tasks: list[Task] = []

    def submit(self, tasks: tuple[Task, ...], sink: Sink) -> FakeRun:
        self.tasks.extend(tasks)
        self.runs[tasks[0].run] = FakeRun(tasks[0].run, sink)
        return self.runs[tasks[0].run]

    def queue(self) -> tuple[str, ...]:
        return ()

    def state(self) -> EngineState:
        return EngineState("fake", True, ("idle",), 0)

    def catalog(self, timeout: float) -> Catalog | None:
        return CATALOG

    def close(self, grace: float = 3.0) -> None:
        pass
