"""The heat equation.

Shapes: N points, D = 2 coordinates.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.core.problems.pde.equation import UNIT, Box, at_all_times, bubble, elapsed, sines
from backend.core.problems.pde.jets import Jet, coordinates, multiply
from backend.schemas.problem.pde import HeatPde


@dataclass(frozen=True)
class Heat:
    """u_t = νu_xx on [0, 1], u = 0 at both ends, u(x, 0) = sin πx, 0 ≤ t ≤ 1; solution u = e^(−νπ²t) sin πx.

    Raissi, Perdikaris & Karniadakis 2019, Physics-informed neural networks.
    """

    spec: HeatPde
    box: Box = (UNIT, UNIT)
    labels: tuple[str, ...] = ("x", "t")
    section_of: str | None = "section at t = 1"
    curved: tuple[float, ...] = (1.0, 0.0)

    def features(self, x_ND: Tensor) -> Jet:
        """The point itself."""
        return coordinates(x_ND)

    def envelope(self, x_ND: Tensor) -> Jet:
        """The product t·x(1 − x)."""
        return multiply(elapsed(x_ND), at_all_times(bubble(x_ND[:, :1])), x_ND.new_tensor(self.curved))

    def lift(self, x_ND: Tensor) -> Jet | None:
        """The start, sin πx."""
        return at_all_times(sines(x_ND[:, :1], 1))

    def waves(self, x_ND: Tensor, modes: int) -> Jet:
        """The functions t·sin kπx, k = 1 … K."""
        return multiply(elapsed(x_ND), at_all_times(sines(x_ND[:, :1], modes)), x_ND.new_tensor(self.curved))

    def source(self, x_ND: Tensor) -> Tensor:
        """0."""
        return torch.zeros_like(x_ND[:, :1])

    def exact(self, x_ND: Tensor) -> Tensor:
        """The decaying wave e^(−νπ²t) sin πx."""
        decay_N1 = torch.exp(-self.spec.diffusivity * math.pi**2 * x_ND[:, 1:])
        return decay_N1 * torch.sin(math.pi * x_ND[:, :1])

    def outputs(self, u: Jet) -> Tensor:
        """u_t − νu_xx [N, 1]."""
        assert u.bend is not None, "a loss with second derivatives gets them"
        return u.slope[1] - self.spec.diffusivity * u.bend

    def criterion(self, outputs_NC: Tensor, y_N1: Tensor) -> Tensor:
        """Mean squared residual."""
        return (outputs_NC - y_N1).square().mean()

    def section(self, s_N: Tensor) -> Tensor:
        """The interval at t = 1."""
        return torch.stack([s_N, torch.ones_like(s_N)], 1)
