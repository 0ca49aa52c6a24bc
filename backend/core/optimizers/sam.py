"""Sharpness-aware minimisation.

Shapes: P parameters.
"""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor

from backend.core.optimizers.provided import Provided
from backend.core.optimizers.surroundings import Surroundings
from backend.core.problems.problem import LossAndGrad
from backend.schemas.optimizer.sam import SamOptimizer

TINY: Final = 1e-12  # keeps the climb finite where the gradient is zero


class Sam:
    """g at θ; climb to θ + e, e = ρ·g/‖g‖; g′ there; from θ, SGD with momentum moves by g′.

    Adaptive: e = ρ·θ²·g/‖|θ|·g‖ (Kwon et al. 2021). Both gradients are of the same batch. Two evaluations a step.

    Foret et al. 2021, Sharpness-aware minimization for efficiently improving generalization.
    """

    def __init__(self, spec: SamOptimizer, around: Surroundings) -> None:
        self._params_P = around.params_P
        self._rho, self._adaptive = spec.rho, spec.adaptive
        params = (around.params_P,)
        inner = torch.optim.SGD(params, lr=spec.lr, momentum=spec.momentum, weight_decay=spec.weight_decay)
        self._base = Provided(params, inner)

    def step(self, loss_and_grad: LossAndGrad) -> tuple[Tensor, Tensor]:
        """Climb, look, come back, and move."""
        loss, grad_P = loss_and_grad()
        with torch.no_grad():
            here_P = self._params_P.clone()
            scale_P = here_P.abs() if self._adaptive else torch.ones_like(here_P)
            norm = torch.linalg.vector_norm(scale_P * grad_P) + TINY
            self._params_P.add_(scale_P.square() * grad_P * (self._rho / norm))
        _, above_P = loss_and_grad()
        with torch.no_grad():
            self._params_P.copy_(here_P)
        self._base.move(above_P)
        return loss, grad_P

    def set(self, field: str, value: float) -> None:
        """Change the radius, or a field of the SGD underneath."""
        if field == "rho":
            self._rho = value
        else:
            self._base.set(field, value)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the momentum."""
        return self._base.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Give the momentum back."""
        self._base.load_state_dict(state)
