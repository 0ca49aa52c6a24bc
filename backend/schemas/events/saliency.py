"""What saliency tells."""

from typing import Literal

from backend.schemas.array import Array
from backend.schemas.events.base import PointEvent


class SaliencyExample(PointEvent):
    """An example that maps are made of, told once before them."""

    kind: Literal["saliency_example"] = "saliency_example"
    example: int
    split: str
    input: Array  # [height, width], [height, width, 3] or [features]
    label: int | None  # its class; null for a regression
    target: int
    predicted: int | None
    correct: bool | None = None  # whether it is recognised; null without classes
    own: bool | None = None  # whether each example's own class was asked for
    logit: float


class SaliencyMap(PointEvent):
    """A map of one example by one method; a later one of the same replaces it."""

    kind: Literal["saliency_map"] = "saliency_map"
    method: str
    example: int
    target: int
    map: Array  # [height, width] or [features]; over channels the signed ones are summed, of colours their sizes
    signed: bool
    scale: float  # the 99th percentile of |map|
    samples: int
    final: bool
    weighting: str | None = None  # of CF-CAM: raw, or the softmax as published
    completeness_gap: float | None  # Σ map − (f_c(x) − f_c(baseline)), of integrated gradients
