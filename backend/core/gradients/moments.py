"""Mean and variance of a layer's gradients over the examples.

Shapes: N examples, p parameters of a layer, o outputs and i inputs of a dense layer.
"""

from typing import Final, NamedTuple

import torch
from torch import Tensor

from backend.core.gradients.per_sample import Part

ROUNDING: Final = 1e-13  # of the mean square: a variance below this share of it is what rounding leaves of none


class Moments(NamedTuple):
    """Of each parameter's gradient."""

    mean_p: Tensor
    variance_p: Tensor  # the population's


def moments(part: Part) -> Moments:
    """Return ḡ = (1/N) Σᵢ gᵢ and (1/N) Σᵢ (gᵢ − ḡ)².

    For a dense layer gᵢ = δᵢ ⊗ (xᵢ, 1), so that Σᵢ gᵢ² = (δ²)ᵀ(x², 1): two products instead of N·o·i numbers, in double
    precision, since the variance is then a difference.

    Args:
        part: the layer's gradients.

    Returns:
        Both, of the gradients' precision.
    """
    if part.slope_No is None or part.input_Ni is None:
        mean_p = part.grad_Np.mean(0)
        return Moments(mean_p, (part.grad_Np - mean_p).pow_(2).mean(0))
    slope_No, input_Ni = part.slope_No.double(), part.input_Ni.double()
    if part.biased:
        input_Ni = torch.cat([input_Ni, input_Ni.new_ones(len(input_Ni), 1)], 1)
    mean_oi = slope_No.T @ input_Ni / len(input_Ni)
    square_oi = slope_No.pow(2).T @ input_Ni.pow(2) / len(input_Ni)
    variance_oi = square_oi - mean_oi**2
    variance_oi = variance_oi.where(variance_oi > ROUNDING * square_oi, 0.0)
    mean_p, variance_p = (_flat(each, part.biased).to(part.slope_No.dtype) for each in (mean_oi, variance_oi))
    return Moments(mean_p, variance_p)


def _flat(found_oi: Tensor, biased: bool) -> Tensor:
    """The weight's entries and then the bias's, which stand in the last column."""
    return torch.cat([found_oi[:, :-1].flatten(), found_oi[:, -1]]) if biased else found_oi.flatten()
