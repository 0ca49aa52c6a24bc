"""Entropy-SGD."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, learning_rate


class EntropySgdOptimizer(OptimizerSpec):
    """θ ← θ − η·(θ − μ), μ the running mean of L Langevin steps around θ that γ ties to it."""

    title = "Entropy-SGD"
    summary = "Looks around each point with a noisy walk and steps to where it was on average: wide valleys win."
    equation = "x′ ← x′ − η′(∇L(x′) + γ(x′ − θ)) + ε√(2η′)·ζ, L times; θ ← θ − η·(θ − mean x′)"
    reference = "Chaudhari et al. 2017, Entropy-SGD: biasing gradient descent into wide valleys"
    defaults_from = "the authors' code's; η = 1 is ours"
    family = "Flat minima"
    live = ("lr", "gamma")
    gradients = 20.0
    cost = "one for each inner step"
    kind: Literal["entropy_sgd"] = kind_of("entropy_sgd")
    lr: float = learning_rate(1.0)
    inner_lr: float = described(
        0.1, "Learning rate η′ of the walk.", title="Walk's rate η′", scale="log", gt=0.0, le=1e4
    )
    inner_steps: int = described(
        20, "Steps L of the walk, each a gradient.", title="Walk's length L", unit="steps", ge=1, le=10_000,
    )  # fmt: skip
    gamma: float = described(
        0.01, "Strength γ that ties the walk to its centre; the valleys it sees are as wide as 1/√γ.", title="γ",
        scale="log", ge=0.0, le=1e6,
    )  # fmt: skip
    scoping: float = described(
        0.0, "Share by which γ grows at each step.", title="Scoping γ₁", scale="log", ge=0.0, le=1.0
    )
    noise: float = described(1e-4, "Size ε of the walk's noise.", title="Noise ε", scale="log", ge=0.0, le=1e3)
    beta1: float = decay_rate(0.75, "Decay rate β₁ of the mean over the walk.", "β₁")
