"""What an analysis is given, and what it must be. Training is an analysis.

An analysis is a generator of events. It yields at least every 50 ms, or after one indivisible product
(:data:`TICK` when there is nothing to say); partial results are valid results; cancelling is ``generator.close()``;
it never prints, logs, sleeps or touches the disk.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Protocol, TypeVar

from torch import Tensor

from backend.core.problems.problem import Problem
from backend.schemas.base import SpecModel
from backend.schemas.control import AnyControl
from backend.schemas.events import AnyEvent, ResolvedPoint
from backend.schemas.events import Plane as PlaneEvent


@dataclass(frozen=True)
class Tick:
    """Nothing to say, still alive; so many pieces of the work are done since the last one."""

    pieces: float = 1.0


TICK: Final = Tick()  # a piece of the work is done
ALIVE: Final = Tick(0.0)  # no piece is done yet
Events = Iterator[AnyEvent | Tick]


@dataclass(frozen=True)
class Moment:
    """Parameters [P] and buffers [B] of a lane after ``step`` updates. The tensors are never written to."""

    step: int
    params_P: Tensor
    buffers_B: Tensor


@dataclass(frozen=True)
class Path:
    """The kept moments of one lane, in order of steps."""

    lane: str
    repeat: int
    moments: tuple[Moment, ...]


@dataclass(frozen=True)
class Point:
    """A place where an analysis works; ``paths`` are the kept moments that led there (empty where there are none).

    With ``lane=None`` in the request, ``paths`` holds every lane of the run, and ``moment`` is the first lane's.
    """

    resolved: ResolvedPoint
    moment: Moment
    paths: tuple[Path, ...] = ()


@dataclass(frozen=True)
class LaidPlane:
    """A plane that another run has kept: the moment in its middle, its directions [P], and what was told about it."""

    origin: Moment
    u_P: Tensor
    v_P: Tensor
    about: PlaneEvent


@dataclass(frozen=True)
class LaneState:
    """All of a lane that a bit-exact resume needs: tensors by name, and plain values (JSON)."""

    lane: str
    repeat: int
    step: int
    tensors: Mapping[str, Tensor]
    values: Mapping[str, object]


class Keeper(Protocol):
    """Where an analysis puts what must outlive it. Calls are cheap: the keeper may write later, or elsewhere."""

    def snapshot(self, lane: str, repeat: int, moment: Moment) -> None:
        """Keep a moment."""
        ...

    def thin(self, lane: str, repeat: int, steps: Sequence[int]) -> None:
        """Of this lane's snapshots keep these steps only."""
        ...

    def checkpoint(self, state: LaneState) -> None:
        """Keep a lane's whole state, in place of its earlier one."""
        ...

    def plane(self, plane: str, origin: Moment, u_P: Tensor, v_P: Tensor, about: PlaneEvent | None = None) -> None:
        """Keep a plane by its id, with what was told about it."""
        ...


class Forget:
    """A keeper that keeps nothing."""

    def snapshot(self, lane: str, repeat: int, moment: Moment) -> None:
        """Drop it."""

    def thin(self, lane: str, repeat: int, steps: Sequence[int]) -> None:
        """Nothing to thin."""

    def checkpoint(self, state: LaneState) -> None:
        """Drop it."""

    def plane(self, plane: str, origin: Moment, u_P: Tensor, v_P: Tensor, about: PlaneEvent | None = None) -> None:
        """Drop it."""


@dataclass(frozen=True)
class Context:
    """What surrounds an analysis: its seed, its place, its points, its controls and its keeper."""

    seed: int
    points: tuple[Point, ...] = ()
    controls: Callable[[], Sequence[AnyControl]] = tuple  # what has come since the last call, in order; cheap
    keeper: Keeper = field(default_factory=Forget)
    planes: Mapping[str, LaidPlane] = field(default_factory=dict)  # those that the request names, by their ids
    resume: tuple[LaneState, ...] = ()  # train with resume: the lanes' states
    tune: bool = False  # whether timing may choose between ways that give the same to a rounding error
    part: int = 0  # which share of the work this is, where it is split over several workers
    parts: int = 1
    idle: Callable[[float], None] = lambda seconds: None  # wait up to so long, ending early when a control comes
    threads: int | None = None  # of a race's steps, whatever else is going on; None for as many as there are


SpecT = TypeVar("SpecT", bound=SpecModel, contravariant=True)


class Analysis(Protocol, Generic[SpecT]):
    """An analysis: a module-level object, listed in the registry."""

    def unsupported(self, problem: Problem, spec: SpecT) -> str | None:
        """Return None, or the sentence that says why this problem cannot be analysed so."""
        ...

    def run(self, problem: Problem, spec: SpecT, ctx: Context) -> Events:
        """Work, yielding events; the first carries axes and shapes."""
        ...
