"""What is trained: a network on data with a loss, an analytic function, a differential equation, or one's own problem.

The members are told apart by the key that only they have (``data``, ``function``, ``pde`` or ``custom``).
"""

from typing import Annotated, Any, Self

from pydantic import Discriminator, Tag, model_validator

from backend.schemas.base import SpecModel
from backend.schemas.fields import described
from backend.schemas.problem.custom import CustomProblem
from backend.schemas.problem.data import AnyData, DigitsData, training_examples
from backend.schemas.problem.function import AnyFunction, RosenbrockFunction
from backend.schemas.problem.loss import AnyLoss, CrossEntropyLoss, LogisticLoss
from backend.schemas.problem.model import AnyModel, MlpModel
from backend.schemas.problem.pde import AnyPde, PoissonPde

__all__ = ["AnyProblem", "CustomProblem", "DataProblem", "FunctionProblem", "PdeProblem", "examples_of"]


class DataProblem(SpecModel):
    """A network that fits data."""

    data: AnyData = described(None, "The data set.", factory=DigitsData)
    model: AnyModel = described(None, "The network.", factory=MlpModel)
    loss: AnyLoss = described(None, "What is minimised.", factory=CrossEntropyLoss)

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.model.needs_image and self.data.image is None:
            raise ValueError(f"a {self.model.kind} needs images, and {self.data.kind} has none; use an mlp, or digits")
        if isinstance(self.loss, CrossEntropyLoss) and self.data.classes is None:
            raise ValueError(f"cross_entropy needs classes, and {self.data.kind} is a regression; use mse")
        if isinstance(self.loss, LogisticLoss) and self.data.classes != 2:
            raise ValueError(
                f"logistic is for two classes, and {self.data.kind} has {self.data.classes or 'none'}; "
                f"use {'mse' if self.data.classes is None else 'cross_entropy'}"
            )
        return self


class FunctionProblem(SpecModel):
    """An analytic test function."""

    function: AnyFunction = described(None, "The function that is minimised.", factory=RosenbrockFunction)


class PdeProblem(SpecModel):
    """A differential equation whose solution is known; in double precision unless it is told otherwise."""

    pde: AnyPde = described(None, "The equation that is solved.", title="Equation", factory=PoissonPde)


def _which(value: Any) -> str | None:
    for kind, key in (
        (DataProblem, "data"),
        (FunctionProblem, "function"),
        (PdeProblem, "pde"),
        (CustomProblem, "custom"),
    ):
        if isinstance(value, kind):
            return f"problem:{key}"
    if not isinstance(value, dict):
        return None
    return f"problem:{next((key for key in ('function', 'pde', 'custom') if key in value), 'data')}"


AnyProblem = Annotated[
    Annotated[DataProblem, Tag("problem:data")]
    | Annotated[FunctionProblem, Tag("problem:function")]
    | Annotated[PdeProblem, Tag("problem:pde")]
    | Annotated[CustomProblem, Tag("problem:custom")],
    Discriminator(
        _which,
        custom_error_type="problem",
        custom_error_message="expected an object with data, model and loss, or with function, with pde or with custom",
    ),
]


def examples_of(problem: AnyProblem) -> int | None:
    """Size of the training split; the points of a differential equation; 0 for a function; None: the file knows."""
    match problem:
        case DataProblem():
            return training_examples(problem.data)
        case PdeProblem():
            return problem.pde.points
        case FunctionProblem():
            return 0
        case CustomProblem():
            return None
