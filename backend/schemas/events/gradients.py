"""What the gradients of single examples tell."""

from typing import Literal

from backend.schemas.array import Array
from backend.schemas.events.base import PointEvent


class GradientStats(PointEvent):
    """One statistic; ``layer`` names the entries of ``values`` along its first axis."""

    kind: Literal["gradient_stats"] = "gradient_stats"
    statistic: str
    layer: tuple[str, ...]
    values: Array  # [L], or [L, n] for histograms, cosines and singular values (short rows end in NaN)
    baseline: Array | None  # what chance would give: [L] or [L, n] as the statistic has it
    edges: Array | None  # of a histogram's bars [bars + 1], or Marčenko & Pastur's ends [L, 2]
    examples: int


class Opposition(PointEvent):
    """The examples that the last step helped most and hurt most."""

    kind: Literal["opposition"] = "opposition"
    helped: tuple[int, ...]  # in the training split, the most helped first
    hurt: tuple[int, ...]
    change: Array  # [helped, then hurt] of each one's loss
    cosine: float  # of both groups' mean gradients
    pictures: Array | None  # [helped, then hurt, height, width]


class Kernel(PointEvent):
    """The tangent kernel at a place."""

    kind: Literal["kernel"] = "kernel"
    eigenvalues: Array  # [N·C] descending
    alignment: float  # of the kernel summed over outputs with the targets
    layer: tuple[str, ...]
    layer_alignment: Array  # [L]
    baseline: float  # 1/√(N−1), the alignment of no kernel with one target
    examples: int
