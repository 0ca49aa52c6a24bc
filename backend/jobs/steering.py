"""Which control messages a run may be sent: checked before they go to a worker, so that a refusal names its field."""

from collections.abc import Callable, Sequence

from pydantic import ValidationError

from backend.jobs.errors import Conflict, InvalidRequest, invalid_field
from backend.jobs.store import EventFilter, Store
from backend.schemas.base import SpecModel
from backend.schemas.control import AnyControl, Cancel, Set
from backend.schemas.errors import FieldError, field_errors
from backend.schemas.events import Envelope, LaneEnded
from backend.schemas.run import ENDED, AnyRequest, Lane, Run, TrainRequest

Ends = Callable[[str], Sequence[LaneEnded]]  # the ends of a lane that were told so far, one for each repeat


def ends_in(store: Store, run: str) -> Ends:
    """Return what looks them up among a run's stored events."""

    def ends(lane: str) -> list[LaneEnded]:
        rows = store.read(run, EventFilter(kinds=("lane_ended",), lane=lane))
        return [event for row in rows if isinstance(event := Envelope.decode(row.text).event, LaneEnded)]

    return ends


def check_control(run: Run, request: AnyRequest, control: AnyControl, ends: Ends) -> None:
    """Refuse a control that the run cannot obey.

    Args:
        run: as it is now.
        request: what it was asked to do.
        control: what it is asked now.
        ends: looks up the ends of a lane; asked only where the control is about one.

    Raises:
        Conflict: where the run or the lane has ended, or the run waits or is no race.
        InvalidRequest: where the lane, the field or its value is not as expected.
    """
    whole = isinstance(control, Cancel) and control.lane is None
    if run.status in ENDED:
        raise Conflict(f"run {run.id} has ended ({run.status})", hint="Start a new run, or fork this one.")
    if run.status == "queued" and not whole:
        raise Conflict(f"run {run.id} is queued: it can be cancelled, nothing else", hint="Wait until it runs.")
    if whole:
        return
    if not isinstance(request, TrainRequest):
        raise Conflict(f"run {run.id} is no race: it can be cancelled, nothing else")
    if isinstance(control, Cancel):
        _lane(request, control.lane)
    if isinstance(control, Set):
        _check_set(request, control)
    if isinstance(control, Cancel | Set) and control.lane is not None:
        _check_runs(run, request, control.lane, ends(control.lane))


def _check_set(request: TrainRequest, control: Set) -> None:
    if control.lane is None:
        if control.field != "pace":
            raise invalid_field("lane", f"expected the lane whose {control.field} is set, got null")
        _check_value(request, "pace", control.value)
        return
    optimizer = _lane(request, control.lane).optimizer
    if control.field not in optimizer.live:
        raise invalid_field("field", f"expected one of {', '.join(optimizer.live)}; got {control.field!r}")
    if control.value is None:
        raise invalid_field("value", "expected a number, got null")
    _check_value(optimizer, control.field, control.value)


def _check_runs(run: Run, request: TrainRequest, lane: str, ends: Sequence[LaneEnded]) -> None:
    """Refuse what would be about a lane that has ended in every repeat."""
    if len(ends) < request.repeats:
        return
    how = ", ".join(sorted({f"{end.reason} at step {end.step}" for end in ends}))
    raise Conflict(
        f"lane {lane!r} of run {run.id} has ended ({how}), so nothing of it can be changed",
        hint="To go on from one of its checkpoints, start a run with it as origin, resume, and the change in changes.",
        where="lane",
    )


def _lane(request: TrainRequest, name: str | None) -> Lane:
    for lane in request.lanes:
        if lane.name == name:
            return lane
    names = ", ".join(lane.name for lane in request.lanes)
    raise invalid_field("lane", f"expected one of {names}; got {name!r}")


def _check_value(spec: SpecModel, field: str, value: float | None) -> None:
    """Let the spec itself judge the value, by its own bounds."""
    data = {**spec.model_dump(), field: value}
    try:
        type(spec).model_validate(data)
    except ValidationError as invalid:
        errors = tuple(FieldError(path="value", message=error.message) for error in field_errors(invalid, data))
        raise InvalidRequest(
            f"1 field is not as expected; value: {errors[0].message}",
            hint="Correct the value and send the control again; nothing was changed.",
            errors=errors,
        ) from invalid
