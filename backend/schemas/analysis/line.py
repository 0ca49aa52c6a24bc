"""Lines: θ = θ₀ + t·d. How the point and the direction are chosen."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from backend.schemas.analysis.curvature import budget, tolerance
from backend.schemas.base import SpecModel
from backend.schemas.fields import described, kind_of


class LineSpec(SpecModel):
    """What all lines share."""

    title: ClassVar[str]
    summary: ClassVar[str]


class RandomLine(LineSpec):
    """Gaussian directions through the point, each filter scaled to the weights' own norm; their mean is drawn."""

    title = "Random directions"
    summary = "The mean over several random directions, scaled by filter to the weights, with its standard error."
    kind: Literal["random"] = kind_of("random")
    directions: int = described(8, "How many directions the mean is over.", ge=1, le=200)
    normalization: Literal["filter", "layer", "none"] = described(
        "filter", "Scale each direction to the weights' norm: by filter (row), by layer, or not at all."
    )
    bias: Literal["zero", "copy"] = described(
        "zero", "Directions of one-axis tensors (biases, norm scales): zero, or the weights' own values."
    )


class EigenLine(LineSpec):
    """An eigenvector of the Hessian at the point, as a unit vector."""

    title = "Hessian eigenvector"
    summary = "Along the direction in which the loss bends up most, or one of the next."
    kind: Literal["eigen"] = kind_of("eigen")
    rank: int = described(1, "Which eigenvector, counted from the largest eigenvalue.", ge=1, le=20)
    tol: float = tolerance()
    budget: int = budget()


class BetweenLine(LineSpec):
    """From the first point of the request, at t = 0, to the second, at t = 1."""

    title = "Between two points"
    summary = "The straight line from one point to another: is there a barrier between them?"
    kind: Literal["between"] = kind_of("between")


LINE_KINDS = (RandomLine, EigenLine, BetweenLine)
AnyLine = Annotated[RandomLine | EigenLine | BetweenLine, Field(discriminator="kind")]
