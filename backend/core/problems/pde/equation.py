"""What an equation must say of itself, and the functions of a point that several of them are made of.

Every trial function keeps the boundary and initial values exactly: u = lift + envelope · network, or lift plus a series
whose functions are 0 where the solution is known.

Shapes: N points, D coordinates, F features, C outputs.
"""

import math
from typing import Final, Protocol

import torch
from torch import Tensor

from backend.core.problems.pde.jets import Jet

Box = tuple[tuple[float, float], ...]
UNIT: Final = (0.0, 1.0)


class Equation(Protocol):
    """An equation on a box, with its solution."""

    @property
    def box(self) -> Box:
        """Lowest and highest value of each coordinate."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the coordinates."""
        ...

    @property
    def section_of(self) -> str | None:
        """Where the section lies, in words; None where it is all of the domain."""
        ...

    @property
    def curved(self) -> tuple[float, ...]:
        """Weights of the second derivatives by each coordinate that the loss needs; empty where it needs none."""
        ...

    def features(self, x_ND: Tensor) -> Jet:
        """What a network is given of a point [N, F]."""
        ...

    def envelope(self, x_ND: Tensor) -> Jet:
        """What a network is multiplied by [N, 1]: 0 where the solution is known."""
        ...

    def lift(self, x_ND: Tensor) -> Jet | None:
        """What is added then [N, 1]: the solution where it is known; None where that is 0."""
        ...

    def waves(self, x_ND: Tensor, modes: int) -> Jet:
        """The functions of a series [N, F], all of them 0 where the solution is known."""
        ...

    def source(self, x_ND: Tensor) -> Tensor:
        """The right-hand side [N, 1]."""
        ...

    def exact(self, x_ND: Tensor) -> Tensor:
        """The solution [N, 1]."""
        ...

    def outputs(self, u: Jet) -> Tensor:
        """What of u the loss is made of [N, C]."""
        ...

    def criterion(self, outputs_NC: Tensor, y_N1: Tensor) -> Tensor:
        """The loss, given the right-hand side: a mean over the points, convex in the outputs."""
        ...

    def section(self, s_N: Tensor) -> Tensor:
        """A line through the box [N, D] along which the solution is shown, s from 0 to 1."""
        ...


def bubble(x_ND: Tensor) -> Jet:
    """Πᵢ xᵢ(1 − xᵢ) [N, 1], 0 on the boundary of the unit cube, with its Laplacian."""
    each_ND = x_ND * (1 - x_ND)
    size = x_ND.shape[1]
    own = torch.eye(size, dtype=torch.bool, device=x_ND.device)
    others_ND = torch.where(own, 1.0, each_ND.unsqueeze(1)).prod(2)  # Π over j ≠ i
    slope_DN1 = ((1 - 2 * x_ND) * others_ND).T.unsqueeze(2)
    return Jet(each_ND.prod(1, keepdim=True), slope_DN1, -2 * others_ND.sum(1, keepdim=True))


def sines(x_N1: Tensor, modes: int) -> Jet:
    """The functions sin kπx, k = 1 … K, on the unit interval [N, K]: 0 at both ends."""
    rate_K = math.pi * torch.arange(1, modes + 1, dtype=x_N1.dtype, device=x_N1.device)
    sine_NK = torch.sin(x_N1 * rate_K)
    slope_NK = rate_K * torch.cos(x_N1 * rate_K)
    return Jet(sine_NK, slope_NK.unsqueeze(0), -rate_K.square() * sine_NK)


def elapsed(x_ND: Tensor) -> Jet:
    """Time [N, 1], the second of two coordinates: 0 where the solution is known from the start."""
    t_N1 = x_ND[:, 1:]
    flat_N1 = torch.zeros_like(t_N1)
    return Jet(t_N1, torch.stack([flat_N1, torch.ones_like(t_N1)]), flat_N1)


def at_all_times(across: Jet) -> Jet:
    """Read a function of place as one of place and time, which does not change with time."""
    return Jet(across.value, torch.cat([across.slope, torch.zeros_like(across.slope)]), across.bend)
