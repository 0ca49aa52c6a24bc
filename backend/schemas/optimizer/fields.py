"""Hyper-parameters that several rules have, described once."""

from typing import Any

from backend.schemas.fields import described


def learning_rate(default: float) -> Any:
    """Make the ``lr`` field."""
    return described(
        default, "Learning rate η: the size of a step.", title="Learning rate", scale="log", gt=0.0, le=1e4
    )


def weight_decay(default: float, *, decoupled: bool = False) -> Any:
    """Make the ``weight_decay`` field."""
    how = "Shrinks the weights by η·λ each step." if decoupled else "Adds λ·θ to the gradient (L2 penalty)."
    return described(default, how, title="Weight decay", scale="log", ge=0.0, le=100.0)


def decay_rate(default: float, text: str, title: str) -> Any:
    """Make a moving average's decay rate, in [0, 1)."""
    return described(default, text, title=title, ge=0.0, lt=1.0)


def epsilon(default: float) -> Any:
    """Make the ``eps`` field."""
    return described(
        default, "Added to the denominator so that it is never zero.", title="ε", scale="log", gt=0.0, le=1.0
    )
