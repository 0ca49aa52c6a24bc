"""Which features a network learns first, and which are starved of gradient by them.

Shapes: N examples, P parameters, K modes.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Modes(NamedTuple):
    """The singular modes of the tangent features of N examples' margins: U S Vᵀ."""

    left_NK: Tensor
    values_K: Tensor  # largest first


def modes(jacobian_NP: Tensor, sign_N: Tensor) -> Modes:
    """Return the modes of Φ = diag(s) J: the slopes of each example's margin s·f at the initial point.

    Pezeshki et al. 2021, Gradient starvation: a learning proclivity in neural networks.

    Args:
        jacobian_NP: slopes of the single output.
        sign_N: −1 or 1, the classes.

    Returns:
        Left singular vectors and values.
    """
    left, values, _ = torch.linalg.svd(sign_N[:, None] * jacobian_NP, full_matrices=False)
    return Modes(left, values)


def responses(found: Modes, margin_N: Tensor) -> Tensor:
    """Return zₖ = uₖᵀ (s·f) [K]: how far each mode is learnt; a starved one stays near 0."""
    return found.left_NK.T @ margin_N
