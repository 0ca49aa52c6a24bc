"""Consensus-based optimization: a cloud of particles that needs values of the loss only.

Shapes: N particles, P parameters.
"""

import math

import torch
from torch import Tensor

from backend.core.optimizers.own import Turn
from backend.schemas.optimizer.cbo import CboOptimizer


def consensus(points_NP: Tensor, loss_N: Tensor, alpha: float) -> Tensor:
    """Return c = Σᵢ xᵢ·exp(−αfᵢ)/Σⱼ exp(−αfⱼ), which tends to the best particle as α grows (Laplace's principle).

    Args:
        points_NP: the particles.
        loss_N: their losses; a particle where it is not finite has no weight.
        alpha: α.

    Returns:
        The consensus point [P]; NaN where no particle has a finite loss.
    """
    height_N = torch.where(torch.isfinite(loss_N), loss_N, torch.inf)
    weight_N = torch.softmax(-alpha * (height_N - height_N.min()), 0)
    return weight_N @ points_NP


def cbo(turn: Turn[CboOptimizer]) -> tuple[Tensor, Tensor]:
    """xᵢ ← xᵢ − λ·η·(xᵢ − c) + σ√η·(xᵢ − c)⊙ζ (``isotropic``: ‖xᵢ − c‖·ζ), ζ ~ N(0, I); the parameters are c.

    The learning rate η is the time step of the stochastic differential equation. The cloud starts evenly spread in
    the box θ₀ ± ``spread``; far particles move far, so that it explores while it contracts.

    Pinnau, Totzeck, Tse & Martin 2017, A consensus-based model for global optimization and its mean-field limit;
    anisotropic noise: Carrillo, Jin, Li & Zhu 2021.

    Returns:
        The loss before the move, and NaN for the gradient, which is never computed.
    """
    spec, memory, here_P = turn.spec, turn.memory, turn.point_P
    generator, shape = turn.around.generator, (spec.particles, len(here_P))
    if "particles" not in memory.tensors:
        box_NP = torch.rand(shape, generator=generator, dtype=here_P.dtype) * 2 - 1
        memory.keep("particles", here_P + spec.spread * box_NP.to(here_P.device))
    points_NP = memory.tensors["particles"]
    loss_N = turn.around.objective.losses(torch.cat((here_P.unsqueeze(0), points_NP)))
    centre_P = consensus(points_NP, loss_N[1:], spec.alpha)
    away_NP = points_NP - centre_P
    noise_NP = torch.randn(shape, generator=generator, dtype=here_P.dtype).to(here_P.device)
    reach_NP = torch.linalg.vector_norm(away_NP, dim=1, keepdim=True) if spec.noise == "isotropic" else away_NP
    points_NP.add_(-spec.drift * spec.lr * away_NP + spec.sigma * math.sqrt(spec.lr) * reach_NP * noise_NP)
    turn.point_P.copy_(centre_P)
    return loss_N[0], torch.full_like(here_P, torch.nan)
