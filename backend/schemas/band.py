"""The repeats of a race folded into bands: median and quartiles of what they tell.

Shapes: R repeats, n steps.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from backend.schemas.events import AnyEvent, Band, Eval, LaneEnded, TrainChunk

Split = Literal["batch", "train", "test"]
Table = NDArray[np.float64]
QUARTILES: Final = (0.25, 0.5, 0.75)
# The columns of a table, one row a step; NaN is what is not known.
STEP, LOSS, ACCURACY, EVALUATIONS, SECONDS = range(5)
WORST: Final = {LOSS: np.inf, ACCURACY: 0.0}  # of a repeat that has diverged


def quartiles(values_Rn: Table) -> Table:
    """Return the first quartile, the median and the third [3, n] over the repeats, linear between two values.

    Args:
        values_Rn: NaN where a repeat does not count; infinity is a value like any other.

    Returns:
        NaN where no repeat counts.

    Example:
        >>> quartiles(np.array([[1.0], [2.0], [np.inf]]))[:, 0].tolist()
        [1.5, 2.0, inf]
    """
    sorted_Rn = np.sort(values_Rn, axis=0)  # NaN comes last
    there_n = np.sum(~np.isnan(values_Rn), axis=0)
    found = []
    for share in QUARTILES:
        place_n = share * np.maximum(there_n - 1, 0)
        below_n = np.floor(place_n).astype(int)
        part_n = place_n - below_n
        low_n, high_n = (
            np.take_along_axis(sorted_Rn, row_n[None], 0)[0] for row_n in (below_n, np.ceil(place_n).astype(int))
        )
        # Not low + part·(high − low), which makes NaN of infinities.
        found.append(np.where(part_n == 0.0, low_n, _scaled(low_n, 1.0 - part_n) + _scaled(high_n, part_n)))
    return np.array(found)


def _scaled(values_n: Table, by_n: Table) -> Table:
    with np.errstate(invalid="ignore"):
        product_n: Table = values_n * by_n
    return product_n


@dataclass
class _Strand:
    """What a repeat has told of a split, and is not yet part of a band."""

    waiting: list[Table] = field(default_factory=list)
    newest: float = -np.inf  # the last step that it has told

    def add(self, rows: Table) -> None:
        self.waiting.append(rows)
        self.newest = float(rows[-1, STEP])

    def take(self, until: float) -> Table:
        """Return the rows up to a step, and keep the others."""
        rows = np.concatenate(self.waiting) if self.waiting else np.empty((0, len(range(SECONDS + 1))))
        ready = rows[:, STEP] <= until
        self.waiting = [rows[~ready]] if not ready.all() else []
        return rows[ready]


class Bands:
    """The bands of one race.

    Args:
        repeats: R, of its request.
    """

    def __init__(self, repeats: int) -> None:
        self._repeats = repeats
        self._strands: dict[tuple[str, Split], list[_Strand]] = {}
        self._ended: dict[tuple[str, int], tuple[float, bool]] = {}  # the last step, and whether it diverged

    def fold(self, events: Iterable[AnyEvent]) -> Iterator[Band]:
        """Take in what the race tells.

        Args:
            events: of any kind and any part, in the order of each repeat.

        Yields:
            The bands of what all repeats have told since; none where a race has no repeats.
        """
        if self._repeats < 2:
            return
        touched: dict[tuple[str, Split], None] = {}
        for event in events:
            match event:
                case TrainChunk() if len(event.step):
                    self._add(event.lane, event.repeat, "batch", _rows(event))
                    touched[event.lane, "batch"] = None
                case Eval(lane=str(lane)):
                    told = (event.step, event.loss, event.accuracy, event.evaluations, event.seconds)
                    row = [np.nan if value is None else value for value in told]
                    self._add(lane, event.repeat, event.split, np.array([row], np.float64))
                    touched[lane, event.split] = None
                case LaneEnded(lane=str(lane)):
                    self._ended[lane, event.repeat] = (float(event.step or 0), event.reason == "diverged")
                    touched.update(dict.fromkeys(key for key in self._strands if key[0] == lane))
        for lane, split in touched:
            yield from self._ready(lane, split)

    def _add(self, lane: str, repeat: int, split: Split, rows: Table) -> None:
        strands = self._strands.setdefault((lane, split), [_Strand() for _ in range(self._repeats)])
        strands[repeat].add(rows)

    def _ready(self, lane: str, split: Split) -> Iterator[Band]:
        strands = self._strands[lane, split]
        until = min(np.inf if (lane, repeat) in self._ended else strand.newest for repeat, strand in enumerate(strands))
        taken = [strand.take(until) for strand in strands]
        step_n = np.unique(np.concatenate([rows[:, STEP] for rows in taken]))
        if not len(step_n):
            return
        values = np.full((len(strands), len(step_n), SECONDS + 1), np.nan)
        for repeat, rows in enumerate(taken):
            last, diverged = self._ended.get((lane, repeat), (np.inf, False))
            if diverged:
                for column, worst in WORST.items():
                    values[repeat, step_n > last, column] = worst
            values[repeat, np.searchsorted(step_n, rows[:, STEP])] = rows
        loss = values[..., LOSS]
        loss[np.isnan(loss) & ~np.isnan(values[..., STEP])] = np.inf  # a loss that is not a number is no good loss
        low_n, median_n, high_n = quartiles(loss)
        accuracy = quartiles(values[..., ACCURACY]) if split != "batch" else None
        known = accuracy is not None and not np.isnan(accuracy[1]).all()
        yield Band(
            lane=lane,
            split=split,
            repeats=self._repeats,
            step=step_n.astype(np.int32),
            loss=median_n,
            loss_low=low_n,
            loss_high=high_n,
            accuracy=accuracy[1] if known and accuracy is not None else None,
            accuracy_low=accuracy[0] if known and accuracy is not None else None,
            accuracy_high=accuracy[2] if known and accuracy is not None else None,
            evaluations=quartiles(values[..., EVALUATIONS])[1],
            seconds=quartiles(values[..., SECONDS])[1],
        )


def _rows(event: TrainChunk) -> Table:
    unknown = np.full(len(event.step), np.nan)
    evaluations = unknown if event.evaluations is None else event.evaluations
    with np.errstate(invalid="ignore"):
        return np.stack([event.step, event.loss, unknown, evaluations, event.seconds], 1).astype(np.float64)
