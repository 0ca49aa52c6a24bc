"""What comparisons of update rules tell; ``lane`` is the rule's name."""

from typing import Literal

from backend.schemas.array import Array
from backend.schemas.events.base import PointEvent


class Basin(PointEvent):
    """Where a rule ended from each start of a grid, a complete sub-grid; later ones of the rule overwrite.

    ``place`` numbers the stationary points below, −1 where the end is near none of them, −2 where it diverged;
    ``shade`` is the same with places from 8 on counted from 0 again: eight colours.
    """

    kind: Literal["basin"] = "basin"
    level: int  # starts a side at this level
    steps: int
    x: Array  # [n] horizontal
    y: Array  # [m] vertical
    place: Array  # [n, m] int32
    shade: Array  # [n, m] int32
    loss: Array  # [n, m] at the end
    height: Array  # [n, m] the function at the start
    place_x: Array  # [k] stationary points, known minima first
    place_y: Array  # [k]
    place_loss: Array  # [k]
    place_kind: tuple[str, ...]  # minimum, saddle, maximum or flat
    share: Array  # [k] of the starts that end there
    unarrived: float  # share of the starts that end near none
    diverged: float  # share of the starts that diverge
    evaluations: float  # gradient evaluations from each start
    final: bool


class Sweep(PointEvent):
    """A rule's last loss at each learning rate so far, rates ascending; later ones of the rule overwrite."""

    kind: Literal["sweep"] = "sweep"
    lr: Array  # [n]
    loss: Array  # [n] after the last step; NaN where the run diverged
    steps: Array  # [n] int32
    evaluations: Array  # [n] spent
    budget: int
    first_loss: float  # where all begin
    best_lr: float | None  # of the lowest loss; null where every run diverged
    best_loss: float | None
    diverged: int  # runs
    final: bool
