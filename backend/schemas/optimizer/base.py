"""What all update rules share."""

from typing import ClassVar

from backend.schemas.base import SpecModel


class OptimizerSpec(SpecModel):
    """An update rule with its hyper-parameters.

    ``live`` names the fields that may be changed while a lane runs; ``gradients`` is the cost of a step in gradient
    evaluations; ``defaults_from`` says whose defaults these are.
    """

    title: ClassVar[str]
    summary: ClassVar[str]
    equation: ClassVar[str]
    reference: ClassVar[str]
    defaults_from: ClassVar[str] = "PyTorch"
    live: ClassVar[tuple[str, ...]] = ("lr", "weight_decay")
    gradients: ClassVar[float] = 1.0

    lr: float
