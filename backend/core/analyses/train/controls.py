"""How a running race obeys control messages, between two steps."""

from collections.abc import Iterator, Sequence
from time import perf_counter

from backend.core.analyses.train.lane import LaneRun
from backend.core.analyses.train.race import Race
from backend.schemas.control import AnyControl, Cancel, Pause, Resume, Set, Step
from backend.schemas.events import AnyEvent, Controlled


def obey(race: Race, control: AnyControl, repeats: Sequence[int] = ()) -> Iterator[AnyEvent]:
    """Obey a message and say so with a ``controlled`` event at its step, after the rows that came before it.

    What cannot be obeyed (a lane that is not there or has ended, a field that is not live, a value out of its bounds)
    changes nothing, and no ``controlled`` is sent.

    Args:
        race: the race.
        control: the message.
        repeats: of the lane that it names, these alone; none: all of them.

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
        case Set(lane=None, field=field, value=value):
            if field == "pace" and _allowed(race, value):
                race.clock.set_pace(value, perf_counter())
                yield from _obeyed(race, Controlled(step=step, action="set", field=field, value=value))
        case Set(lane=str(name), field=field, value=value):
            lanes = [lane for lane in _running(race, name) if lane.repeat in (repeats or (lane.repeat,))]
            if changed := [lane for lane in lanes if lane.change(field, value)]:
                of = _some(race, changed)
                event = Controlled(lane=name, step=step, action="set", field=field, value=value, repeats=of)
                yield from _obeyed(race, event)
        case Cancel(lane=name):
            lanes = _running(race, name)
            race.cancelled = race.cancelled or name is None
            if lanes or name is None:
                of = () if name is None else _some(race, lanes)
                yield from _obeyed(race, Controlled(lane=name, step=step, action="cancel", repeats=of))
            for lane in lanes:
                yield from race.end(lane, "cancelled")


def _obeyed(race: Race, event: Controlled) -> Iterator[AnyEvent]:
    yield from race.tell()
    yield event


def _running(race: Race, name: str | None) -> list[LaneRun]:
    """Return what still runs of a lane, of every lane where none is named."""
    return [lane for lane in race.lanes if lane.running and name in (None, lane.name)]


def _some(race: Race, lanes: Sequence[LaneRun]) -> tuple[int, ...]:
    """Name the repeats that obey; none where all repeats of the race do that have not ended."""
    held = sum(lane.name == lanes[0].name for lane in race.lanes)
    everyone = held == race.request.repeats and len(lanes) == len(_running(race, lanes[0].name))
    return () if everyone else tuple(lane.repeat for lane in lanes)


def _allowed(race: Race, pace: float | None) -> bool:
    try:
        type(race.request).model_validate({**race.request.model_dump(), "pace": pace})
    except ValueError:
        return False
    return True
