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
    """The examples that the last step helped most and hurt most, in pairs that oppose each other."""

    kind: Literal["opposition"] = "opposition"
    helped: tuple[int, ...]  # in the training split, the most helped first
    hurt: tuple[int, ...]  # each one's partner: of those left, the one whose gradient is most opposed to it
    change: Array  # [helped, then hurt] of each one's loss
    cosine: float  # of both groups' mean gradients
    pair_cosine: Array | None = None  # [helped] of each one's gradient with its partner's
    label: Array | None = None  # [helped, then hurt] classes; null for a regression
    pictures: Array | None  # [helped, then hurt, height, width]


class Examples(PointEvent):
    """Every example by itself: its loss, and how its gradient lies to the others' mean and to the last weights."""

    kind: Literal["examples"] = "examples"
    label: Array | None  # [N] classes; null for a regression
    loss: Array  # [N]
    norm: Array  # [N] of its gradient
    cosine: Array  # [N] with the mean of all N
    alignment: Array  # [N] cos(−gᵢ, w) on the last kernel w
    examples: int


class ExamplePictures(PointEvent):
    """What the examples look like, told once; their order is that of ``examples``."""

    kind: Literal["example_pictures"] = "example_pictures"
    pictures: Array  # [N, height, width] bytes, dark to light


class Conflict(PointEvent):
    """Classes as tasks: do their mean gradients pull against each other, and what would serve them all?

    ``mean``, ``pcgrad`` and ``upgrad`` are the cosines of each task's gradient with a combined one: positive where a
    small step along it helps the task.
    """

    kind: Literal["conflict"] = "conflict"
    task: tuple[str, ...]  # classes that there are examples of
    cosine: Array  # [T, T] of the tasks' gradients
    magnitude: Array  # [T, T] similarity of their lengths, 2‖gᵢ‖‖gⱼ‖/(‖gᵢ‖² + ‖gⱼ‖²)
    mean: Array  # [T]
    pcgrad: Array  # [T]
    upgrad: Array  # [T]
    conflicting: float  # share of the pairs with a negative cosine
    examples: int


class Kernel(PointEvent):
    """The tangent kernel at a place."""

    kind: Literal["kernel"] = "kernel"
    eigenvalues: Array  # [N·C] descending
    alignment: float  # of the kernel summed over outputs with the targets
    layer: tuple[str, ...]
    layer_alignment: Array  # [L]
    baseline: float  # 1/√(N−1), the alignment of no kernel with one target
    examples: int
