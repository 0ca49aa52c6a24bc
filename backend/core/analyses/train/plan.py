"""The changes that a race was asked to make on its way: each at its step, as if somebody had sent it then."""

from collections import deque
from collections.abc import Iterator

from backend.core.analyses.train.controls import obey
from backend.core.analyses.train.lane import LaneRun
from backend.core.analyses.train.race import Race
from backend.schemas.control import Set
from backend.schemas.events import AnyEvent
from backend.schemas.run import Change


class Plan:
    """What is still to be changed, in order of steps.

    A lane that goes on from a checkpoint remembers what was changed before it was taken; what falls on the
    checkpoint's own step was not obeyed yet, and is obeyed first of all.

    Args:
        race: before its first step.
    """

    def __init__(self, race: Race) -> None:
        ahead = [change for change in race.request.changes if any(_concerns(change, lane) for lane in race.lanes)]
        self._ahead: deque[Change] = deque(sorted(ahead, key=lambda change: change.step))

    def obey(self, race: Race) -> Iterator[AnyEvent]:
        """Change what falls due at the race's step.

        Yields:
            What a control message yields: the rows before it, then ``controlled``.
        """
        while self._ahead and self._ahead[0].step <= race.step:
            change = self._ahead.popleft()
            yield from obey(race, Set(lane=change.lane, field=change.field, value=change.value), change.repeats)


def _concerns(change: Change, lane: LaneRun) -> bool:
    return lane.name == change.lane and lane.repeat in (change.repeats or (lane.repeat,)) and lane.step <= change.step
