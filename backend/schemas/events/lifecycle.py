"""The life of a run: started, progress, controlled, failed, finished."""

from typing import Literal

from backend.schemas.base import WireModel
from backend.schemas.errors import ErrorDetail
from backend.schemas.events.base import Event, LaneEvent


class ResolvedPoint(WireModel):
    """Where a point of the request really lies: the kept step that was taken."""

    run: str | None = None
    lane: str | None = None
    repeat: int = 0
    step: int | None = None
    plane: str | None = None
    a: float | None = None
    b: float | None = None
    checkpoint: str | None = None  # the file's name
    unused: tuple[str, ...] = ()  # names of the file's tensors that the problem has no place for


class Started(Event):
    """The worker has built the problem."""

    kind: Literal["started"] = "started"
    device: str
    dtype: str
    parameters: int
    examples: int
    lanes: tuple[str, ...] = ()
    parts: int = 1  # of the run, each on a worker of its own
    points: tuple[ResolvedPoint, ...] = ()


class Progress(Event):
    """How far a phase has come."""

    kind: Literal["progress"] = "progress"
    phase: str
    done: int
    total: int


class Controlled(LaneEvent):
    """A control message was obeyed at this step, by some ``repeats`` of the lane alone where others stood elsewhere."""

    kind: Literal["controlled"] = "controlled"
    action: str
    field: str | None = None
    value: float | None = None
    repeats: tuple[int, ...] = ()  # of the lane that obeyed here; none named: all of them


class Failed(Event):
    """The run cannot go on."""

    kind: Literal["failed"] = "failed"
    error: ErrorDetail


class Finished(Event):
    """The end of every run, exactly once; written by the parent process."""

    kind: Literal["finished"] = "finished"
    status: Literal["succeeded", "failed", "cancelled"]
    seconds: float
