"""Learning-rate schedules in closed form: the factor on the base rate at update t = 0 … T − 1."""

from backend.schemas.optimizer.schedule import AnySchedule


def factor(spec: AnySchedule, step: int, steps: int) -> float:
    """Return the factor on the base rate; the formula is the spec's own, so that a form can draw it, too.

    Args:
        spec: the schedule.
        step: updates done before this one, t = 0 … T − 1.
        steps: updates of the whole run, T.

    Returns:
        The factor: from 0 to 1, and larger only where a step schedule says so.

    Example:
        >>> from backend.schemas.optimizer.schedule import LinearSchedule
        >>> [factor(LinearSchedule(warmup=2, cooldown=2), t, 5) for t in range(5)]
        [0.5, 1.0, 1.0, 1.0, 0.5]
    """
    return spec.factor(step, steps)
