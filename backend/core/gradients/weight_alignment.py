"""How the last layer's weights and each example's pull on them lie to each other.

Shapes: N examples, C classes, h inputs of the last layer.
"""

from typing import Final, NamedTuple

import torch
from torch import Tensor

OFFSET: Final = 1.2  # added to the excess kurtosis; it is −1.2 for a uniform distribution
SMALLEST: Final = 0.1  # of the denominator's size: below it the ratio says nothing


class WeightAlignment(NamedTuple):
    """The cosines' distribution.

    Attributes:
        mean: of the cosines.
        kurtosis: their excess kurtosis, E[(γ − γ̄)⁴]/Var² − 3.
        ratio: mean / (kurtosis + 1.2), the denominator kept at least 0.1 from 0.
        clipped: whether that was needed, or the denominator is negative: then read the mean and the kurtosis alone.
    """

    mean: float
    kurtosis: float
    ratio: float
    clipped: bool


def alignment(grad_Np: Tensor, weight_p: Tensor) -> Tensor:
    """Return γᵢ = cos(−gᵢ, w) [N] for gradients of the last layer's weight; NaN where one of the two is 0.

    Args:
        grad_Np: gradients of the weight, an example each.
        weight_p: the weight, flat.

    Returns:
        The cosines.
    """
    cosine_N: Tensor = -(grad_Np @ weight_p) / (grad_Np.norm(dim=1) * weight_p.norm())
    return cosine_N


def summary(gamma_N: Tensor) -> WeightAlignment:
    """Return the gradient–weight alignment of these cosines; NaN ones are left out.

    The published score divides the mean by (excess kurtosis + 1.2), which is near 0 for a uniform distribution and
    negative for a two-peaked one, where the score's sign flips: mean and kurtosis stand beside it.

    Hölzl et al. 2025, Gradient–weight alignment as a train-time proxy for generalization in classification tasks.

    Args:
        gamma_N: cosines.

    Returns:
        The figures; NaN throughout where fewer than two cosines are left or all are equal.
    """
    kept = gamma_N[torch.isfinite(gamma_N)]
    centred = kept - kept.mean() if len(kept) else kept
    var = float(centred.pow(2).mean()) if len(kept) > 1 else 0.0
    if var <= 0.0:
        nan = float("nan")
        return WeightAlignment(float(kept.mean()) if len(kept) else nan, nan, nan, True)
    mean, kurtosis = float(kept.mean()), float(centred.pow(4).mean()) / var**2 - 3
    denominator = kurtosis + OFFSET
    clipped = denominator < SMALLEST
    return WeightAlignment(mean, kurtosis, mean / max(denominator, SMALLEST), clipped)
