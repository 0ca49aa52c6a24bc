"""What the parts of a race tell, joined into one: each holds some lanes and repeats, and is steered with the others."""

from collections.abc import Iterator

from backend.jobs.joined import Joined
from backend.schemas.events import AnyEvent, Controlled, Progress

Wish = tuple[str, str | None, float | None]  # action, field and value of a control message to the whole race


class JointRace(Joined):
    """One beginning, the progress of the slowest part, and one answer to what the whole race is asked.

    Rows, ends, snapshots and checkpoints belong to a lane and a repeat, and so to one part: they pass as they are.

    Args:
        parts: how many there are.
    """

    def __init__(self, parts: int) -> None:
        super().__init__(parts)
        self._open = set(range(parts))
        self._told = 0
        self._answers: list[tuple[Wish, dict[int, Controlled]]] = []  # in the order in which they were asked

    def part_ended(self, part: int) -> list[AnyEvent]:
        """Return the answers that need no longer wait for a part."""
        self._open.discard(part)
        return list(self._answered())

    def _progressed(self, one: Progress) -> Iterator[AnyEvent]:
        least = min((self._done[part] for part in self._open), default=one.done)
        if least > self._told:
            self._told = least
            yield one.model_copy(update={"done": least})

    def _other(self, event: AnyEvent, one: AnyEvent) -> Iterator[AnyEvent]:
        if isinstance(event, Controlled) and event.lane is None:
            self._note(event)
            yield from self._answered()
        else:
            yield one

    def _note(self, answer: Controlled) -> None:
        """Put a part's answer to the first of its kind that this part has not answered yet."""
        wish = (answer.action, answer.field, answer.value)
        for known, answers in self._answers:
            if known == wish and answer.part not in answers:
                answers[answer.part] = answer
                return
        self._answers.append((wish, {answer.part: answer}))

    def _answered(self) -> Iterator[AnyEvent]:
        """Tell, in order, what every part that is left has obeyed, at the step of the one that is least far."""
        while self._answers and self._open <= self._answers[0][1].keys():
            _, answers = self._answers.pop(0)
            first = min(answers.values(), key=lambda answer: answer.step or 0)
            yield first.model_copy(update={"part": 0})
