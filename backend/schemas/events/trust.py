"""What questions to maps of saliency found."""

from typing import Literal

from backend.schemas.array import Array
from backend.schemas.events.base import PointEvent


class Trust(PointEvent):
    """One question put to one method; ``random`` stands for maps drawn at random."""

    kind: Literal["trust"] = "trust"
    question: str
    method: str
    random: bool  # whether it is of maps drawn at random
    value: float  # the mean over examples
    stderr: float | None
    baseline: float | None  # what random maps give on the same examples
    verdict: Literal["yes", "partly", "no"] | None  # null: not this method's to answer, or of random maps
    x: Array | None  # of a curve: share of the pixels, layers redrawn, or shares kept
    y: Array | None
    labels: tuple[str, ...]  # of the points, where they have names
    note: str | None  # why a method was left out
    examples: int
