"""Paths between two points."""

from typing import Literal

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.analysis.fields import BatchNormPolicy, Resolution
from backend.schemas.fields import described, kind_of

PathKind = Literal["linear", "matched", "bezier", "chain", "dropout"]


class ConnectivityAnalysis(AnalysisSpec):
    """The loss along paths between two points: straight, after matching units, or bent around the barrier."""

    title = "Connectivity"
    summary = "How high the loss rises between two ends, straight, with units matched, and along a trained curve."
    equation = "barrier = max over t of L(γ(t)) − ((1−t)·L(γ(0)) + t·L(γ(1)))"
    reference = (
        "Garipov et al. 2018, Loss surfaces, mode connectivity, and fast ensembling of DNNs; "
        "Ainsworth, Hayase & Srinivasa 2023, Git Re-Basin"
    )
    kind: Literal["connectivity"] = kind_of("connectivity")
    path: PathKind = described(
        "matched",
        "Straight line; the same with the second net's units matched to the first's; a trained quadratic curve; a "
        "trained chain of straight pieces; or, from each point by itself, the line to the net with half of its units.",
    )
    beside: tuple[PathKind, ...] = described(("linear",), "Further paths that are drawn beside it.", max_length=5)
    matching: Literal["weights", "activations"] = described(
        "weights", "What tells which units do the same work: their weights, or their values on training examples."
    )
    points: int = described(25, "Places along the path where the loss is taken, the ends among them.", ge=3, le=401)
    bends: int = described(1, "Points of the chain between its ends, which are trained.", ge=1, le=8)
    steps: int = described(300, "Training steps of a curve's bends.", unit="steps", ge=1, le=100_000)
    lr: float = described(
        0.01, "Adam's learning rate for the bends, falling to 0 over the second half.", title="Learning rate",
        scale="log", gt=0.0, le=10.0,
    )  # fmt: skip
    batch_size: int | None = described(128, "Examples a training step; empty is the full batch.", unit="examples", ge=1)
    surface: bool = described(
        True, "Also draw the loss on the plane through both ends and a curve's first bend.", title="Plane of the curve"
    )
    resolution: Resolution = described(17, "Grid points a side of that plane.", unit="points")
    batchnorm: BatchNormPolicy = described(
        "reestimated",
        "BatchNorm's statistics along the path: mixed from the ends' (frozen), of the evaluation data, or re-estimated "
        "at each place.",
        title="BatchNorm",
    )
