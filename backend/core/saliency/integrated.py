"""Slopes along the way from a baseline to an input.

Shapes: N examples, F… an input's own shape.
"""

import numpy as np
import torch
from torch import Generator, Tensor

from backend.core.saliency.explained import Estimate, Estimates, Score, pieces, slope


def integrated_gradients(score: Score, x: Tensor, baseline: Tensor, samples: int, chunk: int) -> Estimates:
    """Yield (x − x') ∘ ∫₀¹ ∂f_c(x' + a(x − x'))/∂x da by Gauss–Legendre quadrature; once, since its points go together.

    The map's sum is f_c(x) − f_c(x') up to the quadrature's error.

    Sundararajan, Taly & Yan 2017, Axiomatic attribution for deep networks.

    Args:
        score: f_c.
        x: the inputs.
        baseline: x', of the inputs' shape or one for all.
        samples: points of the quadrature.
        chunk: points at once, at most.

    Yields:
        The map, after unfinished ones that hold what has been added so far (not final).
    """
    nodes, weights = np.polynomial.legendre.leggauss(samples)
    places, shares = (nodes + 1) / 2, weights / 2
    total, away = torch.zeros_like(x), x - baseline
    for start, count in pieces(samples, chunk):
        at = torch.as_tensor(places[start : start + count], dtype=x.dtype, device=x.device)
        share = torch.as_tensor(shares[start : start + count], dtype=x.dtype, device=x.device)
        shape = (len(at), *[1] * x.dim())
        found = slope(score, (baseline + at.view(shape) * away).flatten(0, 1)).view(len(at), *x.shape)
        total = total + (share.view(shape) * found).sum(0)
        done = start + len(at)
        # Until the end the sum stands for the part of the way that it covers.
        yield Estimate(away * total / float(shares[:done].sum()), done, done == samples)


def completeness_gap(score: Score, x: Tensor, baseline: Tensor, found: Tensor) -> Tensor:
    """Return Σ map − (f_c(x) − f_c(x')) [N]: 0 for a complete attribution."""
    with torch.no_grad():
        return found.flatten(1).sum(1) - (score(x) - score(baseline.expand_as(x)))


def expected_gradients(
    score: Score, x: Tensor, reference: Tensor, samples: int, chunk: int, generator: Generator
) -> Estimates:
    """Yield the mean of (x − x') ∘ ∂f_c(x' + a(x − x'))/∂x over x' of the data and a uniform in [0, 1].

    Erion et al. 2021, Improving performance of deep learning models with axiomatic attribution priors and expected
    gradients.

    Args:
        score: f_c.
        x: the inputs.
        reference: [M, F…] examples that baselines are drawn from.
        samples: draws.
        chunk: draws at once, at most.
        generator: draws them.

    Yields:
        The mean after each chunk.
    """
    mean = torch.zeros_like(x)
    for done, count in pieces(samples, chunk):
        picked = torch.randint(len(reference), (count, len(x)), generator=generator)
        base = reference[picked.to(reference.device)]
        at = torch.rand((count, len(x), *[1] * (x.dim() - 1)), generator=generator, dtype=x.dtype).to(x.device)
        found = slope(score, (base + at * (x - base)).flatten(0, 1)).view(count, *x.shape)
        mean = mean + (((x - base) * found).mean(0) - mean) * (count / (done + count))
        yield Estimate(mean, done + count, done + count == samples)
