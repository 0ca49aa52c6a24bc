"""Advection, in a frame that rests or in one that moves with the wave.

Shapes: N points, D = 2 coordinates, K waves.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.core.problems.pde.equation import UNIT, Box, elapsed
from backend.core.problems.pde.jets import Jet
from backend.schemas.problem.pde import AdvectionPde


@dataclass(frozen=True)
class Advection:
    """u_t + βu_x = 0 on a circle of length 2π, u(x, 0) = sin x, 0 ≤ t ≤ 1; solution u = sin(x − βt).

    Eulerian coordinates are (x, t). Lagrangian ones are (ξ, t) with ξ = x − βt, the place where what is now at x
    started: along these lines the equation is ∂u/∂t = 0, and nothing in the loss depends on β. Here the lines are
    given; where they are not straight, they are fitted too.

    Mojgani, Balajewicz & Hassanzadeh 2023, Lagrangian PINNs: A causality-conforming solution to failure modes of
    physics-informed neural networks.
    """

    spec: AdvectionPde
    box: Box = ((0.0, 2 * math.pi), UNIT)
    curved: tuple[float, ...] = ()
    section_of: str | None = "section at t = 1"

    @property
    def labels(self) -> tuple[str, ...]:
        """Place and time; in the moving frame the place where the wave started."""
        return ("ξ" if self.spec.frame == "lagrangian" else "x", "t")

    def features(self, x_ND: Tensor) -> Jet:
        """The values cos x, sin x and t, so that a network is periodic."""
        x_N1 = x_ND[:, :1]
        cosine, sine, flat = torch.cos(x_N1), torch.sin(x_N1), torch.zeros_like(x_N1)
        along, onward = torch.cat([-sine, cosine, flat], 1), torch.cat([flat, flat, flat + 1], 1)
        return Jet(torch.cat([cosine, sine, x_ND[:, 1:]], 1), torch.stack([along, onward]), None)

    def envelope(self, x_ND: Tensor) -> Jet:
        """The time t."""
        return elapsed(x_ND)

    def lift(self, x_ND: Tensor) -> Jet | None:
        """The start, sin x."""
        sine, cosine = torch.sin(x_ND[:, :1]), torch.cos(x_ND[:, :1])
        return Jet(sine, torch.stack([cosine, torch.zeros_like(sine)]), None)

    def waves(self, x_ND: Tensor, modes: int) -> Jet:
        """The functions t·cos kx, then t·sin kx, k = 1 … K."""
        x_N1, t_N1 = x_ND[:, :1], x_ND[:, 1:]
        k_K = torch.arange(1, modes + 1, dtype=x_ND.dtype, device=x_ND.device)
        cosine_NK, sine_NK = torch.cos(x_N1 * k_K), torch.sin(x_N1 * k_K)
        wave, along = torch.cat([cosine_NK, sine_NK], 1), torch.cat([-k_K * sine_NK, k_K * cosine_NK], 1)
        return Jet(t_N1 * wave, torch.stack([t_N1 * along, wave]), None)

    def source(self, x_ND: Tensor) -> Tensor:
        """0."""
        return torch.zeros_like(x_ND[:, :1])

    def exact(self, x_ND: Tensor) -> Tensor:
        """The wave sin(x − βt); in the moving frame sin ξ."""
        speed = 0.0 if self.spec.frame == "lagrangian" else self.spec.speed
        return torch.sin(x_ND[:, :1] - speed * x_ND[:, 1:])

    def outputs(self, u: Jet) -> Tensor:
        """u_t + βu_x [N, 1]; in the moving frame ∂u/∂t at fixed ξ is the same."""
        along_N1, onward_N1 = u.slope[0], u.slope[1]
        return onward_N1 if self.spec.frame == "lagrangian" else onward_N1 + self.spec.speed * along_N1

    def criterion(self, outputs_NC: Tensor, y_N1: Tensor) -> Tensor:
        """Mean squared residual."""
        return (outputs_NC - y_N1).square().mean()

    def section(self, s_N: Tensor) -> Tensor:
        """The circle at t = 1."""
        return torch.stack([2 * math.pi * s_N, torch.ones_like(s_N)], 1)
