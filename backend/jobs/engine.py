"""The small contract that every engine fulfils: inline (tests), local (spawned workers), ray (actors)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from backend.jobs.blobs import Place
from backend.jobs.custom_file import CustomPlace
from backend.schemas.catalog import Catalog
from backend.schemas.control import AnyControl
from backend.schemas.errors import ErrorDetail
from backend.schemas.events import AnyEvent, ResolvedPoint
from backend.schemas.run import AnyRequest

Outcome = Literal["succeeded", "failed", "cancelled"]


@dataclass(frozen=True)
class Source:
    """Where one of the request's points lies on disk: folder of its run (or a checkpoint file), and what it is."""

    folder: Place
    resolved: ResolvedPoint


@dataclass(frozen=True)
class Task:
    """One part of a run, with all that a worker needs; picklable."""

    run: str
    request: AnyRequest
    folder: Place | None  # this run's own folder: snapshots, checkpoints and planes go there; None keeps nothing
    part: int = 0
    parts: int = 1
    sources: tuple[Source, ...] = ()  # of ``at`` or ``origin``, in order; an InitPoint has none
    datasets: Path | None = None  # folder of the files of data sets; None where there is none
    custom: CustomPlace | None = None  # the file of problems of the user's own
    planes: tuple[Source, ...] = ()  # of the kept planes that the request names; ``resolved`` has run and plane
    threads: int | None = None  # of a race's steps, so that its numbers never hang on what else runs; None: as given


@dataclass(frozen=True)
class Ended:
    """How a task ended; ``error`` where it failed."""

    outcome: Outcome
    error: ErrorDetail | None = None


class Sink(Protocol):
    """Where an engine puts what a task tells. Called from the engine's threads, in order for each task."""

    def started(self, run: str) -> None:
        """A worker has taken the run."""
        ...

    def events(self, run: str, events: list[AnyEvent]) -> None:
        """Events, in order."""
        ...

    def ended(self, run: str, ended: Ended) -> None:
        """The run has ended: exactly once, after its last events."""
        ...


class Handle(Protocol):
    """A submitted run."""

    def send(self, control: AnyControl) -> None:
        """Pass a control message on."""
        ...

    def cancel(self) -> None:
        """Ask it to stop; idempotent, returns at once; soft first, hard after the grace time."""
        ...

    def wait(self, timeout: float | None = None) -> Ended | None:
        """Wait for the end; None when the time is over first."""
        ...


@dataclass(frozen=True)
class EngineState:
    """What health shows: workers with what each is doing, and the queue's length."""

    engine: str
    ready: bool
    workers: tuple[str, ...]
    queued: int


class Engine(Protocol):
    """Runs tasks."""

    width: int  # into how many parts a large task should be split

    def submit(self, tasks: tuple[Task, ...], sink: Sink) -> Handle:
        """Queue a run of 1 … n parts."""
        ...

    def queue(self) -> tuple[str, ...]:
        """Runs that wait for a worker, in order."""
        ...

    def state(self) -> EngineState:
        """What the engine is doing."""
        ...

    def catalog(self, timeout: float) -> Catalog | None:
        """What the workers can do; None when none has come up within the time."""
        ...

    def close(self, grace: float = 3.0) -> None:
        """Stop everything; no child process is left."""
        ...
