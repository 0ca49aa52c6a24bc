"""XGrad: weight prediction for SGD with momentum and for Adam."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import decay_rate, epsilon, learning_rate


class XGradOptimizer(OptimizerSpec):
    """ŵ = w − s·η·u, g = ∇L(ŵ), then the ordinary step from w with g."""

    title = "XGrad"
    summary = "Takes the gradient where the next step is expected to lead, then steps from where it stands."
    equation = "ŵ = w − s·η·u; g = ∇L(ŵ); then momentum's or Adam's step from w (u: its last direction)"
    reference = "Guan, Li, Shi & Wang 2023, XGrad: boosting gradient-based optimizers with weight prediction"
    defaults_from = "ours (s = 1 as we remember the paper)"
    family = "Gradient descent"
    live = ("lr", "momentum")
    kind: Literal["xgrad"] = kind_of("xgrad")
    lr: float = learning_rate(0.01)
    base: Literal["momentum", "adam"] = described("momentum", "The rule that makes the steps.", title="Steps by")
    momentum: float = decay_rate(
        0.9, "Share β of the last direction that is kept; β₁ of Adam.", "Momentum β",
    )  # fmt: skip
    look_ahead: float = described(
        1.0, "How many steps ahead s the gradient is taken.", title="Steps ahead", unit="steps", ge=0.0, le=100.0,
    )  # fmt: skip
    beta2: float = decay_rate(0.999, "Decay rate β₂ of Adam's running mean of squared gradients.", "β₂ (Adam)")
    eps: float = epsilon(1e-8)
