"""Curves between two points of parameter space, given by their ends and the bends between them.

Shapes: P parameters, n control points (two ends and the bends), T places along the curve.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

Shape = Literal["bezier", "chain"]


@dataclass(frozen=True)
class Curve:
    """θ(t) = Σₖ cₖ(t)·θₖ, 0 ≤ t ≤ 1, with θ₀ and θₙ₋₁ the ends.

    - ``chain``: straight pieces from control point to control point, each for the same share of t; with two control
      points the straight line;
    - ``bezier``: cₖ(t) = C(n−1, k)·tᵏ(1−t)ⁿ⁻¹⁻ᵏ; with three control points the quadratic curve
      (1−t)²θ₀ + 2t(1−t)θ₁ + t²θ₂.

    Garipov et al. 2018, Loss surfaces, mode connectivity, and fast ensembling of DNNs, section 3.
    """

    shape: Shape
    controls_nP: Tensor

    def at(self, t: float) -> Tensor:
        """Return the point θ(t) [P]; at t = 0 and 1 the ends themselves, bit for bit."""
        return self.weights(t) @ self.controls_nP if 0 < t < 1 else self.controls_nP[0 if t <= 0 else -1]

    def weights(self, t: float) -> Tensor:
        """Return the control points' weights c(t) [n], which add up to 1.

        Example:
            >>> Curve("bezier", torch.zeros(3, 1)).weights(0.5).tolist()
            [0.25, 0.5, 0.25]
            >>> Curve("chain", torch.zeros(3, 1)).weights(0.25).tolist()
            [0.5, 0.5, 0.0]
        """
        last = len(self.controls_nP) - 1
        k = torch.arange(last + 1, dtype=torch.float64)
        if self.shape == "chain":
            weights_n = (1 - (t * last - k).abs()).clamp(min=0)
        else:
            choose = torch.tensor(_binomials(last), dtype=torch.float64)
            weights_n = choose * t**k * (1 - t) ** (last - k)
        return weights_n.to(self.controls_nP)


def straight(start_P: Tensor, end_P: Tensor) -> Curve:
    """Return the straight line between two points."""
    return Curve("chain", torch.stack([start_P, end_P]))


def bent(shape: Shape, start_P: Tensor, end_P: Tensor, bends: int) -> Curve:
    """Return a curve of a shape that still follows the straight line: its bends lie evenly along it."""
    share_n1 = torch.linspace(0, 1, bends + 2, dtype=start_P.dtype, device=start_P.device)[:, None]
    controls_nP = (1 - share_n1) * start_P + share_n1 * end_P
    controls_nP[0], controls_nP[-1] = start_P, end_P
    return Curve(shape, controls_nP)


def barrier(loss_T: Tensor, t_T: Tensor) -> float:
    """Return max over t of L(t) − ((1−t)·L(0) + t·L(1)): the highest rise above the line between the ends.

    Args:
        loss_T: the loss along the path.
        t_T: where, from 0 to 1.

    Returns:
        At least 0, which it is at the ends; not a number where a loss is not.

    Example:
        >>> barrier(torch.tensor([1.0, 4.0, 3.0]), torch.tensor([0.0, 0.5, 1.0]))
        2.0
    """
    return float((loss_T - ((1 - t_T) * loss_T[0] + t_T * loss_T[-1])).max())


def _binomials(n: int) -> list[float]:
    row = [1.0]
    for k in range(n):
        row.append(row[-1] * (n - k) / (k + 1))
    return row
