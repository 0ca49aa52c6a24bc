"""How a running race obeys control messages, between two steps."""

from collections.abc import Iterator
from time import perf_counter

from backend.core.analyses.train.race import Race
from backend.schemas.control import AnyControl, Cancel, Pause, Resume, Set, Step
from backend.schemas.events import AnyEvent, Controlled


def obey(race: Race, control: AnyControl) -> Iterator[AnyEvent]:
    """Obey a message and say so with a ``controlled`` event at its step, after the rows that came before it.

    What cannot be obeyed (a lane that is not there or has ended, a field that is not live, a value out of its bounds)
    changes nothing, and no ``controlled`` is sent.

    Args:
        race: the race.
        control: the message.

    Yields:
        The rows so far, then ``controlled``; then the ends of the lanes that were cancelled.
    """
    step = race.step
    match control:
        case Pause():
            race.clock.pause()
            yield from _obeyed(race, Controlled(step=step, action="pause"))
        case Resume():
            race.clock.resume(perf_counter())
            yield from _obeyed(race, Controlled(step=step, action="resume"))
        case Step(n=n):
            race.clock.grant(n)
            yield from _obeyed(race, Controlled(step=step, action="step", field="n", value=float(n)))
        case Set(lane=name, field=field, value=value):
            if _change(race, name, field, value):
                yield from _obeyed(race, Controlled(lane=name, step=step, action="set", field=field, value=value))
        case Cancel(lane=name):
            lanes = [lane for lane in race.lanes if lane.running and name in (None, lane.name)]
            race.cancelled = race.cancelled or name is None
            if lanes or name is None:
                yield from _obeyed(race, Controlled(lane=name, step=step, action="cancel"))
            for lane in lanes:
                yield from race.end(lane, "cancelled")


def _obeyed(race: Race, event: Controlled) -> Iterator[AnyEvent]:
    yield from race.tell()
    yield event


def _change(race: Race, name: str | None, field: str, value: float | None) -> bool:
    if name is None:
        if field != "pace" or not _allowed(race, value):
            return False
        race.clock.set_pace(value, perf_counter())
        return True
    lanes = [lane for lane in race.lanes if lane.running and lane.name == name]
    return [lane.change(field, value) for lane in lanes].count(True) > 0  # every repeat of the lane


def _allowed(race: Race, pace: float | None) -> bool:
    try:
        type(race.request).model_validate({**race.request.model_dump(), "pace": pace})
    except ValueError:
        return False
    return True
