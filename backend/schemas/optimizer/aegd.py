"""AEGD: adaptive gradient descent with energy."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import learning_rate


class AegdOptimizer(OptimizerSpec):
    """v = g/(2√(L + c)); r ← r/(1 + 2ηv²); θ ← θ − 2η·r·v, from r = √(L₀ + c)."""

    title = "AEGD"
    summary = "Keeps an energy for each coordinate that can only fall, whatever the learning rate."
    equation = "v = g/(2√(L + c)); r ← r/(1 + 2ηv²); θ ← θ − 2η·r·v"
    reference = "Liu & Tian 2020, AEGD: adaptive gradient descent with energy"
    defaults_from = "the paper's"
    family = "Adaptive"
    live = ("lr",)
    kind: Literal["aegd"] = kind_of("aegd")
    lr: float = learning_rate(0.1)
    shift: float = described(
        1.0, "c, added to the loss so that it is above 0 everywhere.", title="Shift c", scale="log", ge=0.0, le=1e9
    )
