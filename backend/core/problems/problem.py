"""The contract that every problem fulfils: a network on data, an analytic function, a differential equation.

Shapes: P parameters in all, B buffer values in all (BatchNorm's running statistics; 0 for most).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import torch
from torch import Generator, Tensor

from backend.core.problems.model import Model
from backend.core.problems.params import Layout

BatchNormPolicy = Literal["frozen", "batch", "reestimated"]
Split = Literal["train", "test"]


@dataclass(frozen=True)
class Data:
    """A split, in its fixed order: inputs ``x`` [N, ...] and targets ``y`` [N] (classes, int64) or [N, 1] (real).

    ``inside`` [N, ...] tells which values of an input carry the signal, where that is known.
    """

    x: Tensor
    y: Tensor
    inside: Tensor | None = None

    def __len__(self) -> int:
        return int(self.x.shape[0])


@dataclass(frozen=True)
class View:
    """The box that a picture of a function shows: per variable its label, lowest and highest value."""

    labels: tuple[str, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class Section:
    """What is fitted, and the exact solution, along a line through an equation's domain, s from 0 to 1; all [N]."""

    s: Tensor
    u: Tensor
    exact: Tensor
    where: str | None  # in words; None where it is all of an interval


@dataclass(frozen=True)
class Chart:
    """What is fitted, and the exact solution, on the first two coordinates of an equation's domain."""

    labels: tuple[str, str]
    x: Tensor  # [n]
    y: Tensor  # [m]
    u: Tensor  # [n, m]
    exact: Tensor  # [n, m]


class Solution(Protocol):
    """What is known of a differential equation beside its loss."""

    def draw(self, count: int | None, generator: Generator) -> Data | None:
        """Draw points of a step (None: as many as the equation asks for); None where they are the fixed ones."""
        ...

    def error(self, params_P: Tensor) -> float:
        """Relative L² error ‖u − u*‖/‖u*‖, without a gradient."""
        ...

    def section(self, params_P: Tensor) -> Section:
        """Return a picture of u beside u*, without a gradient."""
        ...

    def chart(self, params_P: Tensor, resolution: int) -> Chart | None:
        """Return a map of u beside u*, without a gradient; None for an equation of one coordinate."""
        ...


class Problem(Protocol):
    """A loss over parameters. Nothing here mutates parameters or buffers."""

    layout: Layout  # ordered name → shape of the parameters: the only source of shapes
    buffer_layout: Layout  # likewise of the buffers; empty for most
    dtype: torch.dtype
    device: torch.device
    train: Data | None  # None for functions; the fixed points of a differential equation
    test: Data | None
    classes: int | None  # None for regressions and functions
    view: View | None  # functions only
    solution: Solution | None  # differential equations only
    model: Model | None  # the network; None for functions and differential equations
    image: tuple[int, int, int] | None  # channels, height and width, where an example is a picture

    def params0(self, seed: int) -> tuple[Tensor, Tensor]:
        """Draw the initial point: flat parameters [P] and flat buffers [B]."""
        ...

    def batch_loss(self, params_P: Tensor, buffers_B: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Mean loss of a batch in training mode (BatchNorm uses the batch); differentiable in ``params_P``.

        BatchNorm's running statistics in ``buffers_B`` are updated in place: a lane owns its buffers.
        """
        ...

    def loss(
        self,
        params_P: Tensor,
        buffers_B: Tensor,
        data: Data | None = None,
        batchnorm: BatchNormPolicy = "frozen",
    ) -> Tensor:
        """Mean loss over a split (None: all training data), weighted by examples; differentiable; pure."""
        ...

    def outputs(self, params_P: Tensor, buffers_B: Tensor, x: Tensor, batchnorm: BatchNormPolicy = "frozen") -> Tensor:
        """The model's outputs [N, outputs]; pure."""
        ...

    def criterion(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Mean loss of a batch's outputs, so that ``loss`` is this of ``outputs``; twice differentiable in them."""
        ...

    def each(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Loss of every example alone [N], whose mean is ``criterion``."""
        ...

    def accuracy(self, params_P: Tensor, buffers_B: Tensor, data: Data) -> float | None:
        """Share of a split that is classified rightly; None for a regression."""
        ...

    def evaluate(self, params_P: Tensor, buffers_B: Tensor, data: Data) -> tuple[float, float | None]:
        """:meth:`loss` and :meth:`accuracy` of a split from one forward pass, without a gradient."""
        ...

    def check_deterministic(self) -> str | None:
        """Return None, or the sentence that names the layer because of which two evaluations could differ."""
        ...


LossAndGrad = Callable[[], tuple[Tensor, Tensor]]
