"""The slope of a logit by its input."""

from torch import Tensor

from backend.core.saliency.explained import Estimate, Estimates, Score, slope


def gradient(score: Score, x: Tensor) -> Estimates:
    """Yield ∂f_c/∂x, signed.

    Simonyan, Vedaldi & Zisserman 2013, Deep inside convolutional networks.
    """
    yield Estimate(slope(score, x), 1, True)


def gradient_x_input(score: Score, x: Tensor) -> Estimates:
    """Yield x ∘ ∂f_c/∂x.

    Shrikumar et al. 2016, Not just a black box: learning important features through propagating activation
    differences.
    """
    yield Estimate(x * slope(score, x), 1, True)
