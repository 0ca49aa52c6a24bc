"""What a probe sees of a running race: a frozen view of one step, which training goes on behind."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from backend.core.analyses.base import Moment, Path
from backend.schemas.optimizer import AnyOptimizer


@dataclass(frozen=True, eq=False)
class Push:
    """What a step answered: the loss's own gradient [P] before any filter, at that step's learning rate."""

    grad_P: Tensor
    lr: float


@dataclass(frozen=True)
class LaneView:
    """A lane of one repeat and its rule, as they stand at its newest step."""

    lane: str
    repeat: int
    moment: Moment
    optimizer: AnyOptimizer  # with its hyper-parameters as they are now: controls change them
    lr: float  # of its next step, by schedule and controls; of the last one where there is none
    state: Mapping[str, Tensor]  # what the rule remembers, by name; empty before its first step
    before: Moment | None = None  # one step earlier; None before the first step
    push: Push | None = None  # what the newest step answered; None before the first step

    @property
    def update_P(self) -> Tensor | None:
        """The newest step itself, θₜ − θₜ₋₁."""
        if self.before is None or self.before.step != self.moment.step - 1:
            return None
        return self.moment.params_P - self.before.params_P


@dataclass(frozen=True)
class RaceView:
    """All lanes of a race after ``step`` updates; the tensors are never written to.

    A probe that starts at a step gets the view of that step and may read it for as long as it works. Lanes that have
    ended (done, diverged or cancelled) keep their paths, which then end at an earlier step.
    """

    seed: int  # of the request
    steps: int  # of the whole race
    step: int  # what the lanes that still run have reached
    start: Moment  # the initial point of the first repeat, or the origin that every lane started from
    paths: tuple[Path, ...]  # kept moments of each lane and repeat, by step; the last one is its newest
    recent: tuple[Path, ...]  # the moments of every step since the view before (the first view's begin at the start)
    lanes: tuple[LaneView, ...] = ()  # in the order of paths
    diverged: frozenset[tuple[str, int]] = frozenset()  # (lane, repeat); their newest moment may be far out
    ended: bool = False  # no lane takes another step
