"""The singular values of weights, and what randomness alone would give.

Shapes: m × n a weight's matrix.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor


class Edges(NamedTuple):
    """The Marčenko–Pastur law's ends: the singular values of a large random matrix lie between them."""

    low: float
    high: float


def singular_values(weight: Tensor) -> Tensor:
    """Return the singular values, largest first, of a weight as a matrix of outputs by everything else.

    Args:
        weight: of a dense layer [m, n] or a convolution [m, channels, height, width].

    Returns:
        min(m, n) values, in float64.
    """
    values: Tensor = torch.linalg.svdvals(weight.detach().flatten(1).double())
    return values


def edges(shape: tuple[int, ...], variance: float) -> Edges:
    """Return σ·(√max(m, n) ∓ √min(m, n)), the ends for independent entries of mean 0 and variance σ².

    Marčenko & Pastur 1967, Distribution of eigenvalues for some sets of random matrices.

    Args:
        shape: of the weight.
        variance: σ² of its entries.

    Returns:
        Both ends; a value above the higher one is no chance.

    Example:
        >>> edges((100, 400), 1 / 400)
        Edges(low=0.5, high=1.5)
    """
    outputs, inputs = shape[0], math.prod(shape[1:])
    long, short = math.sqrt(max(outputs, inputs)), math.sqrt(min(outputs, inputs))
    sigma = math.sqrt(variance)
    return Edges(sigma * (long - short), sigma * (long + short))
