"""What the repeats of a race tell of their movement, folded into bands.

Shapes: R repeats, L layers.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.schemas.band import quartiles
from backend.schemas.events import AnyEvent, LaneEnded, Movement, MovementBand

NUMBERS: Final = ("effective_step", "update_ratio", "distance", "rotation")


class MovementBands:
    """The bands of one race.

    Args:
        repeats: R, of its request.
    """

    def __init__(self, repeats: int) -> None:
        self._repeats = repeats
        self._waiting: dict[tuple[str, int], dict[int, Movement]] = {}  # by lane and step
        self._ended: dict[str, dict[int, int]] = {}  # by lane and repeat, the last step

    def fold(self, events: Iterable[AnyEvent]) -> Iterator[MovementBand]:
        """Take in what the race tells.

        Args:
            events: of any kind and any part, in the order of each repeat.

        Yields:
            A band of each step of which all repeats that had not ended have told; none where a race has no repeats.
        """
        if self._repeats < 2:
            return
        touched: dict[str, None] = {}
        for event in events:
            match event:
                case Movement(lane=str(lane), point=None, step=int(step)):
                    self._waiting.setdefault((lane, step), {})[event.repeat] = event
                    touched[lane] = None
                case LaneEnded(lane=str(lane)):
                    self._ended.setdefault(lane, {})[event.repeat] = event.step or 0
                    touched[lane] = None
        for key in [key for key in self._waiting if key[0] in touched]:
            told, ended = self._waiting[key], self._ended.get(key[0], {})
            if all(repeat in told or ended.get(repeat, key[1]) < key[1] for repeat in range(self._repeats)):
                del self._waiting[key]
                yield _band(*key, [told[repeat] for repeat in sorted(told)])


def _band(lane: str, step: int, told: list[Movement]) -> MovementBand:
    fields: dict[str, NDArray[np.float64]] = {}
    for name in NUMBERS:
        low_L, median_L, high_L = quartiles(np.stack([getattr(each, name) for each in told]).astype(np.float64))
        fields |= {name: median_L, f"{name}_low": low_L, f"{name}_high": high_L}
    return MovementBand(lane=lane, step=step, repeats=len(told), layer=told[0].layer, **fields)
