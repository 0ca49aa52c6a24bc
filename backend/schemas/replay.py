"""How a race that was steered by hand is run again: its changes become part of the request."""

from collections.abc import Iterable

from backend.schemas.events import AnyEvent, Controlled
from backend.schemas.run import Change, TrainRequest


def replay_of(request: TrainRequest, events: Iterable[AnyEvent]) -> TrainRequest:
    """Make the request that repeats a race, whoever steered it.

    Every change of a hyper-parameter is told as ``controlled`` at its step; obeyed there again, the same seed gives
    the same numbers. Pauses and the pace move no number and are left out, and so are cancelled lanes.

    Args:
        request: what was asked for.
        events: what the race told.

    Returns:
        The request with the changes that were made, those that it had already among them.
    """
    made = [
        Change(step=event.step, lane=event.lane, field=event.field, value=event.value, repeats=event.repeats)
        for event in events
        if isinstance(event, Controlled) and event.action == "set"
        if event.lane is not None and event.step is not None and event.field is not None and event.value is not None
    ]
    return request.model_copy(update={"changes": tuple(made)})
