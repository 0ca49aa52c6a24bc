"""AdEMAMix: Adam with a second, slow running mean."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, epsilon, learning_rate, weight_decay


class AdEMAMixOptimizer(OptimizerSpec):
    """θ ← θ − η·(m̂ + α·s)/(√v̂ + ε), s ← β₃s + (1−β₃)g."""

    title = "AdEMAMix"
    summary = "Adam that adds a very slow running mean of gradients to the fast one."
    equation = "s ← β₃s + (1−β₃)g; θ ← (1 − ηλ)θ − η·(m̂ + α·s)/(√v̂ + ε)"
    reference = "Pagliardini, Ablin & Grangier 2025, The AdEMAMix optimizer: better, faster, older"
    family = "Adaptive"
    defaults_from = "the paper's, without its warm-up of α and β₃"
    kind: Literal["ademamix"] = kind_of("ademamix")
    lr: float = learning_rate(0.001)
    beta1: float = decay_rate(0.9, "Decay rate β₁ of the running mean of gradients.", "β₁")
    beta2: float = decay_rate(0.999, "Decay rate β₂ of the running mean of squared gradients.", "β₂")
    beta3: float = decay_rate(0.9999, "Decay rate β₃ of the slow running mean.", "β₃")
    alpha: float = described(5.0, "Weight α of the slow running mean.", title="α", ge=0.0, le=1000.0)
    warmup: int = described(
        0, "Steps over which α and β₃ rise to their values; 0 is none.", unit="steps", ge=0, le=10_000_000
    )
    eps: float = epsilon(1e-8)
    weight_decay: float = weight_decay(0.0, decoupled=True)
