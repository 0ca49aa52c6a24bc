"""Fixed points of the unit cube: midpoints of equal intervals, and lattices of them.

Shapes: N points, D coordinates.
"""

import math
from typing import Final

import numpy as np

from backend.core.problems.splits import Floats

CANDIDATES: Final = 64  # generators that are tried


def lattice(points: int, coordinates: int) -> Floats:
    """Spread N points evenly over the unit cube.

    xᵢⱼ = frac(i·aʲ/N) + 1/(2N), i = 0 … N − 1, j = 0 … D − 1: for one coordinate the midpoints of N equal intervals,
    for several a Korobov lattice. a has no divisor in common with N, so that every coordinate takes each midpoint once.
    Of the 64 generators next to N·(√5 − 1)/2 that has the smallest worst-case error P₂ (:func:`worst_case`).

    Korobov 1959; Sloan & Joe 1994, Lattice methods for multiple integration.

    Args:
        points: N.
        coordinates: D.

    Returns:
        The points [N, D], none of them on the boundary.

    Example:
        >>> lattice(4, 1).ravel().tolist()
        [0.125, 0.375, 0.625, 0.875]
    """
    if coordinates == 1:
        return korobov(points, 1, 1)
    golden = round(points * (math.sqrt(5) - 1) / 2)
    nearby = sorted(range(1, points), key=lambda a: abs(a - golden))
    generators = [a for a in nearby if math.gcd(a, points) == 1][:CANDIDATES]
    return min((korobov(points, coordinates, a) for a in generators), key=worst_case)


def korobov(points: int, coordinates: int, generator: int) -> Floats:
    """Return the lattice of one generator [N, D], shifted by half a step."""
    powers = [pow(generator, j, points) for j in range(coordinates)]
    x_ND: Floats = (np.outer(np.arange(points), powers) % points + 0.5) / points
    return x_ND


def worst_case(x_ND: Floats) -> float:
    """Return P₂ = (1/N) Σᵢ Πⱼ (1 + 2π² B₂(xᵢⱼ − x₀ⱼ)) − 1, B₂(t) = t² − t + 1/6.

    Returns:
        The squared worst-case error over smooth periodic functions; 0 would be exact for all.
    """
    t = (x_ND - x_ND[0]) % 1.0
    return float(np.prod(1 + 2 * math.pi**2 * (t * t - t + 1 / 6), axis=1).mean() - 1)
