"""The sharpness above which a rule's steps grow along the sharpest direction: the edge of stability."""

from backend.schemas.optimizer import (
    AdamOptimizer,
    AdamWOptimizer,
    AnyOptimizer,
    RmspropOptimizer,
    SgdOptimizer,
    XGradOptimizer,
)


def gradient_descent(lr: float) -> float:
    """The threshold 2/η of gradient descent.

    Returns:
        The threshold.

    Example:
        >>> gradient_descent(0.1)
        20.0
    """
    return 2 / lr


def polyak(lr: float, momentum: float) -> float:
    """Polyak momentum, m ← βm + g, θ ← θ − ηm: (2 + 2β)/η.

    Returns:
        The threshold.

    Example:
        >>> polyak(0.1, 0.5)
        30.0
    """
    return (2 + 2 * momentum) / lr


def nesterov(lr: float, momentum: float) -> float:
    """Nesterov momentum, the gradient taken ahead or torch's equivalent form: (2 + 2β)/(η(1 + 2β)).

    Returns:
        The threshold.

    Example:
        >>> nesterov(0.1, 0.5)
        15.0
    """
    return (2 + 2 * momentum) / (lr * (1 + 2 * momentum))


def look_ahead(lr: float, momentum: float, ahead: float) -> float:
    """Polyak momentum with the gradient taken s steps ahead (XGrad): (2 + 2β)/(η(1 + 2s)).

    Returns:
        The threshold.

    Example:
        >>> round(look_ahead(0.1, 0.5, 1.0), 12)
        10.0
    """
    return (2 + 2 * momentum) / (lr * (1 + 2 * ahead))


def adam(lr: float, beta1: float) -> float:
    """Adam's of the preconditioned sharpness, (2 + 2β₁)/((1 − β₁)η): 38/η at β₁ = 0.9.

    Returns:
        The threshold.

    Example:
        >>> round(adam(0.001, 0.9))
        38000
    """
    return (2 + 2 * beta1) / ((1 - beta1) * lr)


def threshold(spec: AnyOptimizer, lr: float) -> float | None:
    """Return the largest stable λ_max(H) of a rule on a quadratic, with weight decay w among the loss: that much less.

    Cohen et al. 2021, Gradient descent on neural networks typically occurs at the edge of stability.

    Args:
        spec: the rule and its settings.
        lr: the learning rate now, after schedule and live changes.

    Returns:
        The threshold; None for an adaptive rule, whose threshold is of the preconditioned sharpness.
    """
    if isinstance(spec, XGradOptimizer) and spec.base == "momentum":
        return look_ahead(lr, spec.momentum, spec.look_ahead) if lr > 0.0 else float("inf")
    if not isinstance(spec, SgdOptimizer):
        return None
    if lr <= 0.0:
        return float("inf")
    edge = nesterov(lr, spec.momentum) if spec.nesterov else polyak(lr, spec.momentum)
    return edge - spec.weight_decay


def preconditioned_threshold(spec: AnyOptimizer, lr: float) -> float | None:
    """Return the largest stable λ_max(P^−½HP^−½) of an adaptive rule whose preconditioner stands still.

    Cohen et al. 2022, Adaptive gradient methods at the edge of stability.

    Args:
        spec: the rule and its settings.
        lr: the learning rate now, after schedule and live changes.

    Returns:
        The threshold; None for a rule without a preconditioner.
    """
    match spec:
        case AdamOptimizer() | AdamWOptimizer():
            return adam(lr, spec.beta1) if lr > 0.0 else float("inf")
        case RmspropOptimizer():
            return polyak(lr, spec.momentum) if lr > 0.0 else float("inf")
        case _:
            return None
