"""How a race that was cut off goes on: a new run from the checkpoints that it kept.

The events of a run that has ended are never added to. What goes on is a run of its own with the old one as ``parent``;
its rows begin after the checkpoint, and where both tell of a step they tell the same.
"""

from collections.abc import Iterable, Sequence

from backend.jobs.errors import Conflict
from backend.schemas.events import AnyEvent, Checkpoint, Controlled
from backend.schemas.point import RunPoint
from backend.schemas.replay import replay_of
from backend.schemas.run import ENDED, AnyRequest, Run, TrainRequest
from backend.schemas.snapshot import KeptSnapshot

MOST_CHANGES = 1000  # that a request takes


def check_resumable(run: Run, request: AnyRequest) -> TrainRequest:
    """Refuse what cannot go on.

    Args:
        run: as it is now.
        request: what it was asked to do.

    Returns:
        The request of the race.

    Raises:
        Conflict: where the run is no race, has not ended, or has nothing left to do.
    """
    if not isinstance(request, TrainRequest):
        raise Conflict(f"run {run.id} is no race: there is nothing to resume", hint="Run it again; it starts anew.")
    if run.status not in ENDED:
        hint = 'POST {"action": "resume"} to its control goes on after a pause.'
        raise Conflict(f"run {run.id} is {run.status}: it goes on by itself", hint=hint)
    if run.status == "succeeded":
        hint = "Fork it, with resume and more steps, to train longer."
        raise Conflict(f"run {run.id} has taken all its steps", hint=hint)
    return request


def resumption(
    run: Run, request: TrainRequest, kept: Sequence[KeptSnapshot], events: Iterable[AnyEvent]
) -> TrainRequest:
    """Make the request that goes on where a race was cut off.

    Every lane goes on from its own last checkpoint with its optimizer's state, random stream and live settings; what
    was changed by hand after it is changed again at the same steps. A checkpoint that nobody was told of is none: the
    rows before it may have died with the worker. Where a lane has kept none, the whole race starts again from where it
    had started, which gives the same numbers. Lanes that somebody has cancelled stay out.

    Args:
        run: the run that was cut off.
        request: what it was asked to do.
        kept: what it has kept.
        events: its ``controlled`` and ``checkpoint`` events.

    Returns:
        The request of the run that goes on.

    Raises:
        Conflict: where every lane was cancelled by hand, or too much was changed since.
    """
    events = list(events)
    told = [event for event in events if isinstance(event, Controlled)]
    cancelled = {event.lane for event in told if event.action == "cancel"}
    lanes = tuple(lane for lane in request.lanes if lane.name not in cancelled)
    if not lanes:
        hint = "Fork it from one of its moments instead."
        raise Conflict(f"run {run.id}: every lane was cancelled, so that none goes on", hint=hint)
    made = replay_of(request, told).changes
    ahead = tuple(change for change in request.changes if change not in made)
    kept, step = _told_of(kept, [event for event in events if isinstance(event, Checkpoint)])
    own = has_checkpoints(request, lanes=[lane.name for lane in lanes], kept=kept)
    starts = _starts(kept) if own else {}
    names = {lane.name for lane in lanes}
    changes = tuple(each for each in (*made, *ahead) if each.lane in names and each.step >= starts.get(each.lane, 0))
    if len(changes) > MOST_CHANGES:
        hint = "Fork it from one of its checkpoints, with resume, at the settings that it had there."
        raise Conflict(f"run {run.id} was changed {len(changes)} times since; at most {MOST_CHANGES} go on", hint=hint)
    fields: dict[str, object] = {
        "name": run.name,
        "tags": run.tags,
        "lanes": lanes,
        "changes": changes,
    }
    if own:
        fields |= {"origin": RunPoint(run=run.id, step=step), "resume": True}
    return request.model_copy(update=fields)


def has_checkpoints(request: TrainRequest, lanes: Sequence[str], kept: Sequence[KeptSnapshot]) -> bool:
    """Whether every repeat of these lanes has kept a checkpoint."""
    found = {(each.lane, each.repeat) for each in kept if each.resumable}
    return found >= {(lane, repeat) for lane in lanes for repeat in range(request.repeats)}


def _told_of(kept: Sequence[KeptSnapshot], told: Sequence[Checkpoint]) -> tuple[Sequence[KeptSnapshot], int | None]:
    """Leave out the checkpoints that nobody was told of: a worker, or the server, may die between disk and telling.

    Args:
        kept: what the run has kept.
        told: its checkpoints, each after all rows before it.

    Returns:
        What is left, and the step up to which all lanes may go back to; None where they go on from their last ones.
        Where there was no room for the ones before, it stays as it is: better a few rows too few than all steps again.
    """
    known = {(each.lane, each.repeat): each.step or 0 for each in told}
    last = {(each.lane, each.repeat): each.step for each in kept if each.resumable}
    ahead = [known.get(key, -1) for key, step in last.items() if step > known.get(key, -1)]
    if not ahead:
        return kept, None
    left = [each for each in kept if not each.resumable or each.step <= min(ahead)]
    dropped = min(ahead) >= 0 and {(each.lane, each.repeat) for each in left if each.resumable} < last.keys()
    return (kept, None) if dropped else (left, min(ahead))


def _starts(kept: Sequence[KeptSnapshot]) -> dict[str, int]:
    """Of each lane, the step from which its least advanced repeat goes on."""
    last: dict[tuple[str, int], int] = {}
    for each in kept:
        if each.resumable:
            last[each.lane, each.repeat] = max(each.step, last.get((each.lane, each.repeat), 0))
    lanes = {lane for lane, _ in last}
    return {lane: min(step for (of, _), step in last.items() if of == lane) for lane in lanes}
