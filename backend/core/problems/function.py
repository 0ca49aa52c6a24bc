"""Analytic functions as problems: the parameters are the variables.

Shapes: P parameters, which are the function's D variables.
"""

import torch
from torch import Tensor

from backend.core.problems.analytic import Analytic, analytic
from backend.core.problems.model import Model
from backend.core.problems.params import Layout
from backend.core.problems.problem import BatchNormPolicy, Data, Solution, View
from backend.schemas.problem.function import AnyFunction


def view_of(spec: AnyFunction) -> View:
    """Return the box that a picture of the function shows; variables beyond the second are shown as the first.

    Example:
        >>> from backend.schemas.problem.function import RosenbrockFunction
        >>> view_of(RosenbrockFunction())
        View(labels=('x', 'y'), low=(-2.0, -1.0), high=(2.0, 3.0))
    """
    count = spec.dimensions
    boxes = [spec.view[index] if index < 2 else spec.view[0] for index in range(count)]
    labels = ("x", "y")[:count] if count <= 2 else tuple(f"x{index}" for index in range(1, count + 1))
    return View(labels, tuple(low for low, _ in boxes), tuple(high for _, high in boxes))


class FunctionMinimisation:
    """L(θ) = f(θ): no data, no buffers; batches, splits and BatchNorm policies make no difference."""

    train: Data | None = None
    test: Data | None = None
    classes: int | None = None
    solution: Solution | None = None
    model: Model | None = None
    image: tuple[int, int, int] | None = None

    def __init__(self, spec: AnyFunction, dtype: torch.dtype, device: torch.device) -> None:
        self.layout = Layout((("x", (spec.dimensions,)),))
        self.buffer_layout = Layout(())
        self.dtype, self.device = dtype, device
        self.view: View | None = view_of(spec)
        self.known: Analytic = analytic(spec)  # formulas, Hessian and minima
        self._start = spec.start

    def params0(self, seed: int) -> tuple[Tensor, Tensor]:
        """Return the spec's start, whatever the seed, and no buffers."""
        return torch.tensor(self._start, dtype=self.dtype, device=self.device), torch.empty(
            0, dtype=self.dtype, device=self.device
        )

    def batch_loss(self, params_P: Tensor, buffers_B: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """f(θ); the batch makes no difference."""
        return self.known.value(params_P)

    def loss(
        self, params_P: Tensor, buffers_B: Tensor, data: Data | None = None, batchnorm: BatchNormPolicy = "frozen"
    ) -> Tensor:
        """f(θ); several points [..., P] at once give [...]."""
        return self.known.value(params_P)

    def outputs(self, params_P: Tensor, buffers_B: Tensor, x: Tensor, batchnorm: BatchNormPolicy = "frozen") -> Tensor:
        """Refuse: a function has no model.

        Raises:
            ValueError: always.
        """
        raise ValueError(
            "expected a problem with a model, got an analytic function, which has no outputs; use its loss"
        )

    def criterion(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Refuse: there are no outputs.

        Raises:
            ValueError: always.
        """
        raise ValueError("expected a problem with a model, got an analytic function, which has no outputs")

    def each(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Refuse: there are no examples.

        Raises:
            ValueError: always.
        """
        raise ValueError("expected a problem with a model, got an analytic function, which has no examples")

    def accuracy(self, params_P: Tensor, buffers_B: Tensor, data: Data) -> float | None:
        """None: nothing is classified."""
        return None

    def evaluate(self, params_P: Tensor, buffers_B: Tensor, data: Data) -> tuple[float, float | None]:
        """f(θ), and None for the accuracy."""
        return float(self.known.value(params_P.detach())), None

    def check_deterministic(self) -> str | None:
        """Return None: a formula has no chance in it."""
        return None
