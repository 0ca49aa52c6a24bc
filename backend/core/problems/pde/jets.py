"""Functions of a point with their derivatives by its coordinates, carried forward together.

A jet is u, ∇u and Σⱼ wⱼ ∂²u/∂xⱼ² (the Laplacian for w = 1) at N points: one pass through a network gives all three,
out of plain operations that any number of further derivatives, by the parameters, may be taken of. It gives
the same as differentiating the network again, to rounding, and faster: 1.7, 2.1 and 3.4 times in 1, 2 and 10 dimensions
than reverse over reverse, and more than forward over reverse (``benchmarks/laplacian.py``).

Shapes: N points, D coordinates, W values at each point.

Li et al. 2023, Forward Laplacian (arXiv 2307.08214).
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F


class Jet(NamedTuple):
    """A function's values and derivatives; ``bend`` is None where no second derivative is asked for."""

    value: Tensor  # [N, W]
    slope: Tensor  # [D, N, W] by coordinate
    bend: Tensor | None  # [N, W] Σⱼ wⱼ ∂²/∂xⱼ²

    def values_alone(self) -> "Jet":
        """Drop the derivatives: a jet over no coordinates, for where only the function itself is wanted."""
        return Jet(self.value, self.slope[:0], None)


def linear(jet: Jet, weight: Tensor, bias: Tensor | None) -> Jet:
    """The map W·u + b."""
    bend = None if jet.bend is None else F.linear(jet.bend, weight)
    return Jet(F.linear(jet.value, weight, bias), F.linear(jet.slope, weight), bend)


def swish(jet: Jet, curved_D: Tensor) -> Jet:
    """φ(u), φ(z) = z·σ(z): ∇φ = φ'∇u, and the second derivatives are φ'·bend + φ''·Σⱼ wⱼ (∂u/∂xⱼ)².

    With s = σ(z): φ' = s + φ·(1 − s), φ'' = s(1 − s)(2 + z(1 − 2s)).

    Args:
        jet: u.
        curved_D: the weights w.

    Returns:
        The jet of φ(u).
    """
    z = jet.value
    s = torch.sigmoid(z)
    value = z * s
    first = s + value * (1 - s)
    bend = None
    if jet.bend is not None:
        second = s * (1 - s) * (2 + z * (1 - 2 * s))
        bend = first * jet.bend + second * _squares(jet.slope, jet.slope, curved_D)
    return Jet(value, first * jet.slope, bend)


def add(one: Jet, other: Jet) -> Jet:
    """The sum u + v."""
    bend = None if one.bend is None or other.bend is None else one.bend + other.bend
    return Jet(one.value + other.value, one.slope + other.slope, bend)


def multiply(one: Jet, other: Jet, curved_D: Tensor) -> Jet:
    """The product u·v: ∇(uv) = u∇v + v∇u, and the second derivatives are u·bend v + v·bend u + 2 Σⱼ wⱼ ∂ⱼu ∂ⱼv."""
    bend = None
    if one.bend is not None and other.bend is not None:
        mixed = _squares(one.slope, other.slope, curved_D)
        bend = one.value * other.bend + other.value * one.bend + 2 * mixed
    return Jet(one.value * other.value, one.value * other.slope + other.value * one.slope, bend)


def coordinates(x_ND: Tensor) -> Jet:
    """Return the jet of x itself: ∂xⱼ/∂xᵢ = 1 where i = j."""
    count, size = x_ND.shape
    unit = torch.eye(size, dtype=x_ND.dtype, device=x_ND.device)
    return Jet(x_ND, unit.unsqueeze(1).expand(size, count, size), torch.zeros_like(x_ND))


def _squares(one_DNW: Tensor, other_DNW: Tensor, curved_D: Tensor) -> Tensor:
    """Σⱼ wⱼ ∂ⱼu ∂ⱼv, [N, W]."""
    if len(curved_D) == 1:  # the common case, without a reduction
        return curved_D[0] * one_DNW[0] * other_DNW[0]
    return (curved_D.view(-1, 1, 1) * one_DNW * other_DNW).sum(0)
