"""Learning-rate schedules in closed form: the factor on the base rate at update t = 0 … T − 1."""

import math

from backend.schemas.optimizer.schedule import AnySchedule, ConstantSchedule, CosineSchedule, LinearSchedule


def constant(spec: ConstantSchedule, step: int, steps: int) -> float:
    """Return 1."""
    return 1.0


def cosine(spec: CosineSchedule, step: int, steps: int) -> float:
    """Return (t + 1)/w while t < w, then f + (1 − f)·½(1 + cos π(t − w)/(T − w))."""
    if step < spec.warmup:
        return (step + 1) / spec.warmup
    share = (step - spec.warmup) / max(steps - spec.warmup, 1)
    return spec.final + (1.0 - spec.final) * 0.5 * (1.0 + math.cos(math.pi * min(share, 1.0)))


def linear(spec: LinearSchedule, step: int, steps: int) -> float:
    """Return min(1, (t + 1)/warmup, f + (1 − f)·(T − t)/cooldown), without the terms whose length is 0."""
    rise = (step + 1) / spec.warmup if spec.warmup else 1.0
    fall = spec.final + (1.0 - spec.final) * max(steps - step, 0) / spec.cooldown if spec.cooldown else 1.0
    return min(1.0, rise, fall)


def factor(spec: AnySchedule, step: int, steps: int) -> float:
    """Return the factor on the base rate.

    Args:
        spec: the schedule.
        step: updates done before this one, t = 0 … T − 1.
        steps: updates of the whole run, T.

    Returns:
        The factor, from 0 to 1.

    Example:
        >>> [factor(LinearSchedule(warmup=2, cooldown=2), t, 5) for t in range(5)]
        [0.5, 1.0, 1.0, 1.0, 0.5]
    """
    match spec:
        case ConstantSchedule():
            return constant(spec, step, steps)
        case CosineSchedule():
            return cosine(spec, step, steps)
        case LinearSchedule():
            return linear(spec, step, steps)
