"""How the gradient falls with the loss on the way to a minimum.

Shapes: T moments.
"""

from typing import NamedTuple

import torch
from torch import Tensor


class Lojasiewicz(NamedTuple):
    """The fit log ‖∇L‖ = log c + θ·log(L − L*)."""

    exponent: float  # θ; ½ is the Polyak–Łojasiewicz condition of a quadratic
    constant: float  # c
    r_squared: float


def lojasiewicz(loss_T: Tensor, grad_norm_T: Tensor, lowest: float) -> Lojasiewicz:
    """Fit the Łojasiewicz exponent by least squares over moments above the lowest loss.

    ‖∇L‖ ≥ c·(L − L*)^θ near a minimum of an analytic function, θ in [½, 1).

    Łojasiewicz 1963, Une propriété topologique des sous-ensembles analytiques réels.

    Args:
        loss_T: losses.
        grad_norm_T: gradient norms at the same moments.
        lowest: L*.

    Returns:
        The fit; NaN throughout with fewer than two moments that can be used.
    """
    loss, norm = loss_T.double() - lowest, grad_norm_T.double()
    usable = (loss > 0) & (norm > 0) & torch.isfinite(loss) & torch.isfinite(norm)
    x, y = loss[usable].log(), norm[usable].log()
    spread = (x - x.mean()).pow(2).sum() if len(x) > 1 else torch.zeros(())
    if float(spread) <= 0:
        return Lojasiewicz(float("nan"), float("nan"), float("nan"))
    slope = ((x - x.mean()) * (y - y.mean())).sum() / spread
    level = y.mean() - slope * x.mean()
    rest, whole = (y - level - slope * x).pow(2).sum(), (y - y.mean()).pow(2).sum()
    return Lojasiewicz(float(slope), float(level.exp()), float(1 - rest / whole) if float(whole) > 0 else 1.0)
