"""What a run will take, as it is told before it starts."""

from backend.schemas.base import WireModel
from backend.schemas.errors import ErrorDetail


class EstimatePart(WireModel):
    """A part of a run's work: ``path`` is the field of the request that it comes from.

    What is ``late`` takes no more than the training beside it leaves, so that the training is what makes it long.
    """

    name: str
    path: str
    seconds: float
    gradients: float  # gradient evaluations, of a batch in training and of the whole split in analyses
    late: bool = False


class Estimate(WireModel):
    """What a run will take on one worker of this machine, from its request alone.

    ``seconds`` are those that pass (a ``pace`` makes them more), ``working`` those that are computed; ``memory_mb``
    is the worker's, ``disk_mb`` what is kept at most. ``known`` says whether the request tells all of it: what a
    problem of one's own costs is a guess. ``shared`` is how many workers share it, where so many are idle as it begins.
    ``refused`` is the answer that the run would get, where it is above the limits.
    """

    parameters: int
    examples: int
    steps: int
    seconds: float
    working: float
    memory_mb: float
    disk_mb: float
    parts: tuple[EstimatePart, ...]
    known: bool = True
    shared: int = 1
    measured: int = 0  # finished runs that the speed was taken from
    refused: ErrorDetail | None = None


def duration(seconds: float) -> str:
    """Write a time in its usual unit.

    Args:
        seconds: how many.

    Returns:
        Seconds, minutes, hours or days.

    Example:
        >>> duration(0.2), duration(89), duration(200), duration(20_000), duration(1e7)
        ('1 s', '89 s', '3 min', '6 hours', '116 days')
    """
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    if seconds < 90 * 60:
        return f"{round(seconds / 60)} min"
    hours = seconds / 3600
    return f"{round(hours)} hours" if hours < 72 else f"{round(hours / 24):,} days"
