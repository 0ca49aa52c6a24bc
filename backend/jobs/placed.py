"""What a stored run does not know of itself: its place in the queue, and why it is held."""

from collections.abc import Callable, Sequence

from backend.schemas.errors import ErrorDetail
from backend.schemas.run import Run


def placed(runs: list[Run], held: Callable[[str], ErrorDetail | None], queue: Callable[[], Sequence[str]]) -> list[Run]:
    """Add places in the queue, and why a run is held.

    Args:
        runs: as they are stored.
        held: a run's id → why it is held, None where it is not.
        queue: the ids of those that wait, in order; asked for only where one of these does.

    Returns:
        The runs, in their order.
    """
    why = {run.id: reason for run in runs if (reason := held(run.id)) is not None}
    if why:
        runs = [
            run.model_copy(update={"paused": True, "error": why.get(run.id)}) if run.id in why else run for run in runs
        ]
    if not any(run.status == "queued" for run in runs):
        return runs
    places = {run: place for place, run in enumerate(queue(), start=1)}
    return [
        run.model_copy(update={"queue_position": places.get(run.id)}) if run.status == "queued" else run for run in runs
    ]
