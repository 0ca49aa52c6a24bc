"""How large a batch is worth its price.

Shapes: N examples, P parameters.
"""

from typing import NamedTuple

from torch import Tensor


class NoiseScale(NamedTuple):
    """Both parts of B = tr Σ / ‖G‖², each estimated without bias; the ratio is negative where the signal's is."""

    signal: float  # ‖G‖², G the gradient over all data
    noise: float  # tr Σ, Σ the covariance of single examples' gradients

    @property
    def value(self) -> float:
        """B_simple, in examples: with much smaller batches steps are mostly noise, with larger ones little is won."""
        return self.noise / self.signal if self.signal else float("nan")


def noise_scale(small_sq: float, large_sq: float, small: int, large: int) -> NoiseScale:
    """Estimate the simple noise scale from the squared gradient norms of batches of two sizes b < B.

    E‖g_b‖² = ‖G‖² + tr Σ / b, so that

        ‖G‖² ≈ (B·‖g_B‖² − b·‖g_b‖²) / (B − b),    tr Σ ≈ (‖g_b‖² − ‖g_B‖²) / (1/b − 1/B).

    McCandlish et al. 2018, An empirical model of large-batch training, appendix A.1.

    Args:
        small_sq: mean of ‖g_b‖² over small batches.
        large_sq: mean of ‖g_B‖² over large ones.
        small: b.
        large: B, above b.

    Returns:
        Both parts.

    Raises:
        ValueError: where b is not below B.
    """
    if not 0 < small < large:
        raise ValueError(f"The noise scale needs batches of two sizes, the small one first; got {small} and {large}.")
    signal = (large * large_sq - small * small_sq) / (large - small)
    noise = (small_sq - large_sq) / (1 / small - 1 / large)
    return NoiseScale(signal, noise)


def from_gram(gram_NN: Tensor) -> NoiseScale:
    """Estimate it from the examples' Gram matrix: batches of one, and the batch of all N.

    Args:
        gram_NN: inner products of the gradients of N ≥ 2 examples.

    Returns:
        Both parts.
    """
    count = len(gram_NN)
    return noise_scale(float(gram_NN.trace()) / count, float(gram_NN.sum()) / count**2, 1, count)
