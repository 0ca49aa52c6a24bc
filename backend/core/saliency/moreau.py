"""The slope of a smoothed envelope of the logit.

Shapes: N examples, F… an input's own shape.
"""

import torch
from torch import Generator, Tensor

from backend.core.saliency.explained import Estimate, Estimates, Score, drawn, slope


def moreau_grad(
    score: Score,
    x: Tensor,
    rho: float,
    sparsity: float,
    patch: int,
    level: float,
    samples: int,
    iterations: int,
    rate: float,
    average: int,
    chunk: int,
    generator: Generator,
) -> Estimates:
    """Yield −δ*/ρ, δ* = argmin_δ E_z f_c(x + δ + z) + ‖δ‖²/(2ρ) + η·penalty(δ), z ~ N(0, σ²).

    Without a penalty this is the gradient of f_c's Moreau envelope; with ‖δ‖₁ (``patch`` 0 or 1) it is sparse, with
    the sum of ‖δ‖₂ over patches it is sparse by patch. δ ← prox(δ − γ(∂f_c(x + δ + z) + δ/ρ)). The minimum is one where
    1/ρ is above the smoothed logit's weak-convexity constant. The last ``average`` iterates are averaged.

    Zhang & Farnia 2023, MoreauGrad: sparse and robust interpretation of neural networks via Moreau envelope.

    Args:
        score: f_c.
        x: the inputs; [N, K, H, W] where ``patch`` is above 1.
        rho: ρ, the envelope's width.
        sparsity: η; 0 for none.
        patch: side of a patch in pixels.
        level: σ as a share of each example's range; 0 for none.
        samples: draws of z an iteration; 1 is enough where ``level`` is 0.
        iterations: steps.
        rate: γ.
        average: iterates in the result's mean.
        chunk: draws at once, at most.
        generator: draws z.

    Yields:
        The map so far after each chunk, then the last one.
    """
    flat = x.flatten(1)
    sigma = level * (flat.max(1).values - flat.min(1).values).view(-1, *[1] * (x.dim() - 1))
    delta, mean, kept = torch.zeros_like(x), torch.zeros_like(x), 0
    count = samples if level > 0 else 1
    for step in range(iterations):
        found = torch.zeros_like(x)
        for start in range(0, count, chunk):
            taken = min(chunk, count - start)
            at = (x + delta).expand(taken, *x.shape)
            if level > 0:
                at = at + sigma * drawn(taken, x, generator)
            found = found + slope(score, at.flatten(0, 1)).view(taken, *x.shape).sum(0)
            if (done := start + taken) < count:
                so_far = mean if kept else _step(delta, found / done, rho, rate, sparsity, patch)
                yield Estimate(-so_far / rho, step * count + done, False)
        delta = _step(delta, found / count, rho, rate, sparsity, patch)
        if step >= iterations - average:
            kept += 1
            mean = mean + (delta - mean) / kept
        yield Estimate(-(mean if kept else delta) / rho, (step + 1) * count, step == iterations - 1)


def _step(delta: Tensor, found: Tensor, rho: float, rate: float, sparsity: float, patch: int) -> Tensor:
    return _shrink(delta - rate * (found + delta / rho), rate * sparsity, patch)


def _shrink(delta: Tensor, by: float, patch: int) -> Tensor:
    if by <= 0:
        return delta
    if patch <= 1:
        return delta.sign() * (delta.abs() - by).clamp(min=0)
    height, width = delta.shape[-2:]
    square = torch.nn.functional.avg_pool2d(delta.pow(2).sum(1, keepdim=True), patch, ceil_mode=True)
    # A patch that the edge cuts has fewer pixels; avg_pool2d divides by those that are there.
    sizes = _pixels(height, patch, delta)[:, None] * _pixels(width, patch, delta)[None, :]
    norm = (square * sizes).sqrt()
    factor = (1 - by / norm.clamp(min=torch.finfo(delta.dtype).tiny)).clamp(min=0)
    wide = factor.repeat_interleave(patch, 2).repeat_interleave(patch, 3)[..., :height, :width]
    return delta * wide


def _pixels(size: int, patch: int, like: Tensor) -> Tensor:
    return torch.tensor([min(patch, size - start) for start in range(0, size, patch)], dtype=like.dtype).to(like.device)
