"""What training tells: columns of losses, evaluations, ends of lanes, kept moments."""

from typing import Literal

from backend.schemas.array import Array
from backend.schemas.events.base import Event, LaneEvent


class TrainChunk(Event):
    """Columns of n steps of one lane; row t ≥ 1 holds the loss of the batch that gave the t-th gradient, at θ_{t−1}."""

    kind: Literal["train_chunk"] = "train_chunk"
    lane: str
    repeat: int = 0
    step: Array  # [n] int32
    loss: Array  # [n]
    grad_norm: Array  # [n]
    lr: Array  # [n] after the schedule
    seconds: Array  # [n] this lane's own time since the start
    evaluations: Array | None = None  # [n] float64: gradient evaluations spent so far; null in runs of older releases
    # Where a sharpness probe runs along, at each row's learning rate; null for a rule that has none:
    threshold: Array | None = None  # [n] of the Hessian's largest eigenvalue
    preconditioned_threshold: Array | None = None  # [n] of that of P⁻¹H


class Eval(LaneEvent):
    """Loss (and accuracy, null for a regression) of a whole split at a step."""

    kind: Literal["eval"] = "eval"
    split: Literal["train", "test"]
    loss: float
    accuracy: float | None
    evaluations: float | None = None  # gradient evaluations that the lane has spent by this step
    seconds: float | None = None  # and its own time; null, both, in runs of older releases


class Band(Event):
    """Columns of n steps of a lane with several repeats: median and quartiles over them, made by the parent process.

    A row is there once every repeat has told that step. From where a repeat has diverged it counts as a loss of
    infinity and an accuracy of 0; from where it was cancelled, or before where it was resumed, it does not count.
    """

    kind: Literal["band"] = "band"
    lane: str
    split: Literal["batch", "train", "test"]  # of train_chunk's rows, or of evaluations
    repeats: int  # of the race
    step: Array  # [n] int32
    loss: Array  # [n] median
    loss_low: Array  # [n] first quartile
    loss_high: Array  # [n] third quartile
    accuracy: Array | None = None  # [n] likewise; null for batches, and where nothing is classified
    accuracy_low: Array | None = None
    accuracy_high: Array | None = None
    evaluations: Array  # [n] medians of the gradient evaluations spent by that step
    seconds: Array  # [n] and of the lane's own time


class Fit(LaneEvent):
    """How far a differential equation's trial function is from the solution, at a step.

    ``s`` runs along a line through the domain, from 0 to 1: the diagonal of space, or all of space at the last time.
    """

    kind: Literal["fit"] = "fit"
    loss: float  # on the fixed points, whatever points training takes
    relative_l2: float  # ‖u − u*‖/‖u*‖ over the whole domain
    s: Array  # [n]
    section: str | None = None  # where that line lies; null for all of an interval
    u: Array  # [n] what is fitted
    exact: Array  # [n] the solution
    error: Array | None = None  # [n] u − exact; null in runs of older releases


class LaneEnded(LaneEvent):
    """A lane takes no more steps."""

    kind: Literal["lane_ended"] = "lane_ended"
    reason: Literal["done", "diverged", "cancelled"]


class Snapshot(LaneEvent):
    """The parameters of this step were kept (the list of snapshots tells which still are)."""

    kind: Literal["snapshot"] = "snapshot"


class Checkpoint(LaneEvent):
    """All that is needed to resume from this step was kept."""

    kind: Literal["checkpoint"] = "checkpoint"
