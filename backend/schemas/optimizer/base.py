"""What all update rules share."""

from typing import ClassVar, Literal

from backend.schemas.base import SpecModel

Family = Literal["Gradient descent", "Adaptive", "Matrix", "Curvature", "Flat minima", "Without gradients"]


class OptimizerSpec(SpecModel):
    """An update rule with its hyper-parameters.

    ``family`` is the heading that it is listed under. ``live`` names the fields that may be changed while a lane runs;
    ``gradients`` is the usual cost of a step in gradient evaluations, and ``cost`` says what that hangs on, if on
    anything (what was truly spent is told with every step);
    ``filtered`` says whether the rule moves by the gradient of the batch, so that filters can act on it;
    ``defaults_from`` says whose defaults these are.
    """

    title: ClassVar[str]
    summary: ClassVar[str]
    equation: ClassVar[str]
    reference: ClassVar[str]
    family: ClassVar[Family]
    defaults_from: ClassVar[str] = "PyTorch's"
    live: ClassVar[tuple[str, ...]] = ("lr", "weight_decay")
    gradients: ClassVar[float] = 1.0
    cost: ClassVar[str] = ""
    filtered: ClassVar[bool] = True

    lr: float
