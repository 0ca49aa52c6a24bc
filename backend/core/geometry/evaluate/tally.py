"""Means and spreads of losses, gathered block by block.

Shapes: K points, n examples.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Tally:
    """Mean loss at K points over the same ``count`` examples, and Σ(ℓ − mean)²; in float64."""

    count: int
    mean_K: Floats
    squares_K: Floats

    def merged(self, more: "Tally") -> "Tally":
        """Put together tallies of different examples at the same points.

        With δ the difference of the means, mean = mean₁ + δ·n₂/n and Σ² = Σ₁² + Σ₂² + δ²·n₁n₂/n, which loses nothing
        where the mean is large against the spread (Chan, Golub and LeVeque 1983, Algorithms for computing the sample
        variance).

        Args:
            more: of other examples.

        Returns:
            The tally of all.
        """
        if self.count == 0:
            return more
        count = self.count + more.count
        with np.errstate(invalid="ignore", over="ignore"):
            apart_K = more.mean_K - self.mean_K
            mean_K = self.mean_K + apart_K * (more.count / count)
            squares_K = self.squares_K + more.squares_K + apart_K**2 * (self.count * more.count / count)
            # ∞ − ∞ is no number, but the mean of infinite losses is infinite.
            broken_K = ~np.isfinite(mean_K)
            mean_K[broken_K] = (self.mean_K + more.mean_K)[broken_K]
        return Tally(count, mean_K, squares_K)

    def stderr_K(self, of: int) -> Floats | None:
        """Standard error of the mean as an estimate of the mean over ``of`` examples, n of which were drawn.

        √(1 − n/N) · √(Σ(ℓ − mean)²/(n − 1)) / √n, of a mean drawn without replacement (Cochran 1977, Sampling
        techniques, section 2.6).

        Returns:
            The errors [K]; None for all examples, where there is none, and for one, where it is not known.

        Example:
            >>> Tally(2, np.array([1.0]), np.array([2.0])).stderr_K(4)
            array([0.70710678])
        """
        if self.count >= of or self.count < 2:
            return None
        with np.errstate(invalid="ignore"):
            return np.asarray(
                math.sqrt(1 - self.count / of) * np.sqrt(self.squares_K / (self.count - 1) / self.count), np.float64
            )


def tally_of(loss_Kn: Tensor) -> Tally:
    """Tally the losses of n examples at K points."""
    losses = loss_Kn.to("cpu", torch.float64)
    mean_K1 = losses.mean(dim=1, keepdim=True)
    squares_K = (losses - mean_K1).square_().sum(dim=1)
    return Tally(losses.shape[1], mean_K1[:, 0].numpy(), squares_K.numpy())


def side_by_side(tallies: Sequence[Tally]) -> Tally:
    """Return one tally of all points from those of some each, over the same examples; of no points from none."""
    if not tallies:
        return empty(0)
    mean_K = np.concatenate([tally.mean_K for tally in tallies])
    return Tally(tallies[0].count, mean_K, np.concatenate([tally.squares_K for tally in tallies]))


def empty(points: int) -> Tally:
    """Return the tally of no examples."""
    return Tally(0, np.zeros(points), np.zeros(points))
