"""What the search for the intrinsic dimension tells."""

from typing import Literal

from backend.schemas.events.base import PointEvent


class Dimension(PointEvent):
    """How well training in one random subspace went; ``d`` equal to the number of parameters is training in all."""

    kind: Literal["dimension"] = "dimension"
    d: int
    subspace: int  # 0, 1 …: the same d has several
    score: float
    loss: float  # on the same split
    split: str
    threshold: float  # the score that counts as solved; NaN before it is known
    reached: int | None  # least d so far whose mean score is at or above the threshold
    final: bool
