"""What every run that is shared by several workers has in common: it begins once, and has done what its parts have."""

from collections.abc import Iterator

from backend.schemas.events import AnyEvent, Progress, Started


class Joined:
    """Tells the first beginning alone, counts what the parts have done, and leaves the rest to each sort of run.

    Args:
        parts: how many there are.
    """

    def __init__(self, parts: int) -> None:
        self._begun = False
        self._done = dict.fromkeys(range(parts), 0)

    def fold(self, event: AnyEvent) -> Iterator[AnyEvent]:
        """Yield what is to be told of an event of one part."""
        one = event.model_copy(update={"part": 0})
        match event:
            case Started():
                if not self._begun:
                    self._begun = True
                    yield one
            case Progress():
                self._done[event.part] = event.done
                yield from self._progressed(event.model_copy(update={"part": 0}))
            case _:
                yield from self._other(event, one)

    def part_ended(self, part: int) -> list[AnyEvent]:
        """Tell nothing: no part waits for another."""
        return []

    def finish(self) -> list[AnyEvent]:
        """Tell nothing: all has been told."""
        return []

    def _progressed(self, one: Progress) -> Iterator[AnyEvent]:
        """Yield what all parts together have done; ``one`` is the part's own, as of the whole run."""
        yield one.model_copy(update={"done": sum(self._done.values())})

    def _other(self, event: AnyEvent, one: AnyEvent) -> Iterator[AnyEvent]:
        """Yield what is to be told of any other event; ``one`` is the same, as of the whole run."""
        yield one
