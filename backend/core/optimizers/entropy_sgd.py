"""Entropy-SGD: descent on the local entropy, by Langevin dynamics in a ball around each point. Shapes: P parameters."""

import math

import torch
from torch import Tensor

from backend.core.optimizers.own import Turn
from backend.schemas.optimizer.entropy_sgd import EntropySgdOptimizer


def entropy_sgd(turn: Turn[EntropySgdOptimizer]) -> tuple[Tensor, Tensor]:
    """θ ← θ − η·(θ − μ), with μ a running mean of L steps of x′ ← x′ − η′(∇L(x′) + γ(x′ − θ)) + ε√(2η′)·ζ, x′₀ = θ.

    γ(θ − ⟨x′⟩) is the gradient of the local entropy −log ∫ exp(−L(x′) − γ/2‖x′ − θ‖²)dx′; its factor γ is taken into
    η, as in the paper. On a quadratic of curvature h the mean is θ·γ/(h + γ), so that the curvature felt is
    hγ/(h + γ): below h everywhere and at most γ. γ grows by the factor 1 + γ₁ at each step (scoping).

    Chaudhari et al. 2017, Entropy-SGD: biasing gradient descent into wide valleys.

    Returns:
        The loss and the gradient at θ, where the inner steps begin.
    """
    spec, here_P = turn.spec, turn.point_P.clone()
    steps = turn.memory.count()
    gamma = spec.gamma * (1.0 + spec.scoping) ** (steps - 1)
    loss, grad_P = turn.evaluate()
    mean_P, slope_P = here_P.clone(), grad_P
    with turn.looking_from(here_P):
        for inner in range(spec.inner_steps):
            if inner:
                _, slope_P = turn.evaluate()
            turn.move(-spec.inner_lr * (slope_P + gamma * (turn.point_P - here_P)))
            if spec.noise > 0.0:
                turn.move(spec.noise * math.sqrt(2.0 * spec.inner_lr) * _normal(turn))
            mean_P.mul_(spec.beta1).add_(turn.point_P, alpha=1.0 - spec.beta1)
    turn.move(-spec.lr * (here_P - mean_P))
    return loss, grad_P


def _normal(turn: Turn[EntropySgdOptimizer]) -> Tensor:
    drawn_P = torch.randn(turn.point_P.shape, generator=turn.around.generator, dtype=turn.point_P.dtype)
    return drawn_P.to(turn.point_P.device)
