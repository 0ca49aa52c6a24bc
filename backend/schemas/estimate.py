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
    problem of one's own costs is a guess. ``refused`` is the answer that the run would get, where it is above the
    limits.
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
    measured: int = 0  # finished runs that the speed was taken from
    refused: ErrorDetail | None = None
