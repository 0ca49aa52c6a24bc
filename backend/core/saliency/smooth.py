"""Slopes around an input, averaged.

Shapes: N examples, F… an input's own shape.
"""

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from backend.core.saliency.explained import Estimate, Estimates, Score, drawn, pieces, slope

Moments = Callable[[Tensor, Tensor], Tensor]  # running mean and mean square about it → the map


def _noisy(
    score: Score, x: Tensor, level: float, samples: int, chunk: int, generator: Generator, told: Moments
) -> Estimates:
    """Yield after each chunk of samples; means and variances by Chan's update, which loses no digits."""
    flat = x.flatten(1)
    sigma = level * (flat.max(1).values - flat.min(1).values).view(-1, *[1] * (x.dim() - 1))
    mean, square = torch.zeros_like(x), torch.zeros_like(x)
    for done, count in pieces(samples, chunk):
        found = slope(score, (x + sigma * drawn(count, x, generator)).flatten(0, 1)).view(count, *x.shape)
        centre = found.mean(0)
        away = (found - centre).pow(2).sum(0)
        square = square + away + (centre - mean).pow(2) * (done * count / (done + count))
        mean = mean + (centre - mean) * (count / (done + count))
        yield Estimate(told(mean, square / (done + count)), done + count, done + count == samples)


def smoothgrad(score: Score, x: Tensor, level: float, samples: int, chunk: int, generator: Generator) -> Estimates:
    """Yield (1/n) Σ ∂f_c(x + εᵢ)/∂x, εᵢ ~ N(0, σ²), σ = level · (max x − min x) of each example.

    Smilkov et al. 2017, SmoothGrad: removing noise by adding noise.
    """
    yield from _noisy(score, x, level, samples, chunk, generator, lambda mean, _: mean)


def smoothgrad_squared(
    score: Score, x: Tensor, level: float, samples: int, chunk: int, generator: Generator
) -> Estimates:
    """Yield (1/n) Σ (∂f_c(x + εᵢ)/∂x)².

    Hooker et al. 2019, A benchmark for interpretability methods in deep neural networks.
    """
    yield from _noisy(score, x, level, samples, chunk, generator, lambda mean, var: mean**2 + var)


def vargrad(score: Score, x: Tensor, level: float, samples: int, chunk: int, generator: Generator) -> Estimates:
    """Yield the population variance of ∂f_c(x + εᵢ)/∂x over the samples.

    Adebayo et al. 2018, Local explanation methods for deep neural networks lack sensitivity to parameter values.
    """
    yield from _noisy(score, x, level, samples, chunk, generator, lambda _, var: var)
