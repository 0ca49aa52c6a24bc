"""Poisson's equation.

Shapes: N points, D dimensions of space, C outputs.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.core.problems.pde.equation import UNIT, Box, bubble, sines
from backend.core.problems.pde.jets import Jet, coordinates
from backend.schemas.problem.pde import PoissonPde


@dataclass(frozen=True)
class Poisson:
    """−Δu = f = π²d Πᵢ sin πxᵢ on the unit cube, u = 0 on its boundary; solution u = Πᵢ sin πxᵢ.

    Galerkin's loss is the squared residual, mean (−Δu − f)², 0 at the solution. Ritz's is the energy,
    mean (½|∇u|² − fu), which needs one derivative fewer; at the solution it is −π²d/2^(d + 2) (on all of the cube; on
    points it may fall below that).

    Sirignano & Spiliopoulos 2018, DGM: a deep learning algorithm; E & Yu 2018, The deep Ritz method.
    """

    spec: PoissonPde

    @property
    def box(self) -> Box:
        """The unit cube."""
        return (UNIT,) * self.spec.dim

    @property
    def labels(self) -> tuple[str, ...]:
        """The coordinates: x, or x1, x2 and so on."""
        return ("x",) if self.spec.dim == 1 else tuple(f"x{i}" for i in range(1, self.spec.dim + 1))

    @property
    def section_of(self) -> str | None:
        """The diagonal, of more than an interval."""
        return None if self.spec.dim == 1 else "section along the diagonal"

    @property
    def curved(self) -> tuple[float, ...]:
        """The Laplacian's weights; Ritz needs no second derivative."""
        return () if self.spec.method == "ritz" else (1.0,) * self.spec.dim

    def features(self, x_ND: Tensor) -> Jet:
        """The point itself."""
        return coordinates(x_ND)

    def envelope(self, x_ND: Tensor) -> Jet:
        """Πᵢ xᵢ(1 − xᵢ)."""
        return bubble(x_ND)

    def lift(self, x_ND: Tensor) -> Jet | None:
        """Nothing: u = 0 on the boundary."""
        return None

    def waves(self, x_ND: Tensor, modes: int) -> Jet:
        """The functions sin kπx."""
        return sines(x_ND, modes)

    def source(self, x_ND: Tensor) -> Tensor:
        """The right-hand side f = π²d Πᵢ sin πxᵢ."""
        return math.pi**2 * self.spec.dim * self.exact(x_ND)

    def exact(self, x_ND: Tensor) -> Tensor:
        """Πᵢ sin πxᵢ."""
        return torch.sin(math.pi * x_ND).prod(1, keepdim=True)

    def outputs(self, u: Jet) -> Tensor:
        """−Δu [N, 1] for Galerkin; u and ∇u [N, 1 + D] for Ritz."""
        return torch.cat([u.value, u.slope[:, :, 0].T], 1) if u.bend is None else -u.bend

    def criterion(self, outputs_NC: Tensor, y_N1: Tensor) -> Tensor:
        """Mean (−Δu − f)² for Galerkin, mean (½|∇u|² − fu) for Ritz."""
        if self.spec.method == "galerkin":
            return (outputs_NC - y_N1).square().mean()
        return (0.5 * outputs_NC[:, 1:].square().sum(1) - y_N1[:, 0] * outputs_NC[:, 0]).mean()

    def section(self, s_N: Tensor) -> Tensor:
        """The diagonal."""
        return s_N.unsqueeze(1).expand(-1, self.spec.dim)
