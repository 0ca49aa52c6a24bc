"""Which features a network learns first, and which are starved of gradient by them.

Shapes: N examples, P parameters, K modes.
"""

from collections.abc import Generator
from typing import NamedTuple

import torch
from torch import Tensor

from backend.core.analyses.aside import aside
from backend.core.analyses.base import Tick
from backend.core.gradients.tangent_kernel import kernel_in_pieces


class Modes(NamedTuple):
    """The singular modes of the tangent features of N examples' margins: U S Vᵀ."""

    left_NK: Tensor
    values_K: Tensor  # largest first


def modes(jacobian_NP: Tensor, sign_N: Tensor) -> Generator[Tick, None, Modes]:
    """Work out the modes of Φ = diag(s) J: the slopes of each example's margin s·f at the initial point.

    From Φ Φᵀ = U S² Uᵀ, block by block and in double precision: a mode of a hundred-millionth of the strongest one is
    still told from rounding, and the last step takes N³ instead of N²·P products.

    Pezeshki et al. 2021, Gradient starvation: a learning proclivity in neural networks.

    Args:
        jacobian_NP: slopes of the single output.
        sign_N: −1 or 1, the classes.

    Yields:
        Ticks.

    Returns:
        Left singular vectors and values, of the slopes' precision.
    """
    features_NP = sign_N[:, None].double() * jacobian_NP.double()
    kernel_NN = yield from kernel_in_pieces(features_NP[:, None])
    squares_K, left_NK = yield from aside(lambda: torch.linalg.eigh(kernel_NN))
    values_K = squares_K.flip(0).clamp(min=0).sqrt()
    return Modes(left_NK.flip(1).to(jacobian_NP.dtype), values_K.to(jacobian_NP.dtype))


def responses(found: Modes, margin_N: Tensor) -> Tensor:
    """Return zₖ = uₖᵀ (s·f) [K]: how far each mode is learnt; a starved one stays near 0."""
    return found.left_NK.T @ margin_N
