"""Losses, all of them means over examples."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from backend.schemas.base import SpecModel
from backend.schemas.fields import described, kind_of


class LossSpec(SpecModel):
    """What all losses share."""

    title: ClassVar[str]
    summary: ClassVar[str]
    equation: ClassVar[str]


class CrossEntropyLoss(LossSpec):
    """Cross-entropy of the softmax: L = −(1/N) Σᵢ log softmax(f(xᵢ))[yᵢ]."""

    title = "Cross-entropy"
    summary = "Minus the log probability of the right class, averaged over examples."
    equation = "L = −(1/N) Σᵢ log softmax(f(xᵢ))[yᵢ]"
    kind: Literal["cross_entropy"] = kind_of("cross_entropy")


class MseLoss(LossSpec):
    """Squared error: L = factor · (1/N) Σᵢ ‖f(xᵢ) − yᵢ‖², one-hot targets for classes."""

    title = "Squared error"
    summary = "Squared error summed over the outputs, averaged over examples, times a factor."
    equation = "L = factor · (1/N) Σᵢ ‖f(xᵢ) − yᵢ‖²"
    kind: Literal["mse"] = kind_of("mse")
    factor: float = described(
        1.0, "Factor in front of the loss; ½ makes the Hessian of a linear model XᵀX/N.", gt=0, le=1e6
    )


class LogisticLoss(LossSpec):
    """Logistic loss for two classes: L = (1/N) Σᵢ log(1 + exp(−sᵢ·f(xᵢ))), sᵢ = ±1, one output."""

    title = "Logistic"
    summary = "Log loss of one output for two classes, averaged over examples."
    equation = "L = (1/N) Σᵢ log(1 + exp(−sᵢ·f(xᵢ))), sᵢ = ±1"
    kind: Literal["logistic"] = kind_of("logistic")


LOSS_KINDS = (CrossEntropyLoss, MseLoss, LogisticLoss)
AnyLoss = Annotated[CrossEntropyLoss | MseLoss | LogisticLoss, Field(discriminator="kind")]
