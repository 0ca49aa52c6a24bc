"""Elsewhere in parameter space, with the same function."""

from typing import Literal

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.fields import described, kind_of


class TeleportAnalysis(AnalysisSpec):
    """Climbing to a larger gradient along the rescalings that leave a ReLU network's function as it is."""

    title = "Teleportation"
    summary = "The same function with other weights: where its gradient is larger, and how descent goes on from there."
    equation = "maximise ‖∇L(g·θ)‖ over g, with L(g·θ) = L(θ)"
    reference = "Zhao, Dehmamy, Walters & Yu 2022, Symmetry teleportation for accelerated optimization"
    kind: Literal["teleport"] = kind_of("teleport")
    way: Literal["climb", "random"] = described(
        "climb", "Climb to where the gradient is larger, or draw the factors of all units at random."
    )
    steps: int = described(5, "Turns of the climb, each at most 0.5 on the logarithm of a factor.", ge=1, le=1000)
    spread: float = described(0.5, "Standard deviation of the logarithms of random factors.", gt=0.0, le=5.0)
    descent: int = described(
        50, "Steps of gradient descent on all of the training split from either place.", unit="steps", ge=0, le=100_000
    )
    lr: float = described(
        0.1, "The learning rate of that descent.", title="Learning rate", scale="log", gt=0.0, le=100.0
    )
