"""What every update rule must be. Shapes: P parameters in all."""

from collections.abc import Mapping
from typing import Protocol

from torch import Tensor

from backend.core.problems.problem import LossAndGrad


class Optimizer(Protocol):
    """A rule that owns how parameters move; it writes to them in place and to nothing else.

    Most rules call ``loss_and_grad`` once a step. A rule that must look at other points (a line search, SAM) writes
    them to the parameters, calls it again, and restores them before it moves. What else it needs (curvature, gradients
    of groups, losses of many points) it asks of the surroundings that its builder was given.
    """

    def step(self, loss_and_grad: LossAndGrad) -> tuple[Tensor, Tensor]:
        """Move once; return the loss (a scalar) and the gradient [P] at the point before the move."""
        ...

    def set(self, field: str, value: float) -> None:
        """Change a live hyper-parameter (the spec's ``live`` fields) from the next step on."""
        ...

    def state_dict(self) -> dict[str, Tensor]:
        """Return everything the rule remembers between steps, by name; hyper-parameters are the spec's."""
        ...

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Remember what another optimizer of the same spec remembered; bit for bit."""
        ...
