"""VRGD: gradient descent by the signal-to-noise ratio of the gradient."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, epsilon, learning_rate


class VrgdOptimizer(OptimizerSpec):
    """r = (ḡ²/σ²)/mean(ḡ²/σ²) clipped to [γ, 1], over K parts of the batch; θ ← θ − η·r·ḡ."""

    title = "VRGD"
    summary = "Scales each coordinate's step by how much the parts of the batch agree on it."
    equation = "r = clip((ḡ²/σ²)/mean(ḡ²/σ²), γ, 1); θ ← θ − η·r·ḡ"
    reference = "Jiang et al. 2023, Accelerating large batch training via gradient signal to noise ratio (GSNR)"
    defaults_from = "the paper's; the learning rate is ours"
    family = "Gradient descent"
    live = ("lr",)
    gradients = 2.0
    kind: Literal["vrgd"] = kind_of("vrgd")
    lr: float = learning_rate(0.1)
    base: Literal["sgd", "adam"] = described("sgd", "The rule that makes the steps.", title="Steps by")
    groups: int = described(8, "Parts K that the batch is split into.", title="Parts K", ge=2, le=1024)
    floor: float = described(
        0.1, "Smallest share γ of a step that noise leaves.", title="Smallest share γ", gt=0.0, le=1.0
    )
    beta1: float = decay_rate(0.9, "Decay rate β₁ of Adam's running mean of gradients.", "β₁ (Adam)")
    beta2: float = decay_rate(0.999, "Decay rate β₂ of Adam's running mean of squared gradients.", "β₂ (Adam)")
    beta3: float = decay_rate(0.9, "Decay rate β₃ of the running mean of r (with Adam).", "β₃ (Adam)")
    eps: float = epsilon(1e-8)
