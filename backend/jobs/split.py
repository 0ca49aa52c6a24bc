"""Large surfaces split over several workers, and what these tell joined into one run again."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from backend.jobs.engine import Task
from backend.schemas.analysis import SurfaceAnalysis
from backend.schemas.events import AnyEvent, Plane, Progress, Started, SurfaceTile
from backend.schemas.mosaic import assembled
from backend.schemas.run import AnalyseRequest, AnyRequest

LARGE: Final = 65  # points a side from which it is worth it
MOST: Final = 16  # parts: a picture has so many patches
COARSEST: Final = 5
Key = tuple[int | None, str]  # a surface: its point and its plane


def splits(request: AnyRequest) -> bool:
    """Say whether workers can share this."""
    analysis = request.analysis if isinstance(request, AnalyseRequest) else None
    return isinstance(analysis, SurfaceAnalysis) and analysis.resolution >= LARGE


def split(task: Task, width: int) -> tuple[Task, ...]:
    """Split a task.

    Args:
        task: of one part.
        width: how many workers the engine would put on it.

    Returns:
        The parts; one where it cannot be split, or where there is one worker.
    """
    parts = min(width, MOST) if splits(task.request) else 1
    return tuple(replace(task, part=part, parts=parts) for part in range(parts))


class Quilt:
    """Joins what the parts of a split surface tell: one beginning, one progress, and in the end one whole tile.

    Args:
        parts: how many there are.
    """

    def __init__(self, parts: int) -> None:
        self._parts = parts
        self._once: set[object] = set()
        self._done: dict[int, int] = {}
        self._tiles: dict[Key, list[SurfaceTile]] = {}
        self._last: dict[Key, dict[int, SurfaceTile]] = {}

    def fold(self, events: Sequence[AnyEvent]) -> list[AnyEvent]:
        """Return what is to be told of some events of one part."""
        return [joined for event in events for joined in self._fold(event)]

    def finish(self) -> list[AnyEvent]:
        """Return each surface as one tile; call it once all parts have succeeded."""
        found: list[AnyEvent] = []
        for key, tiles in self._tiles.items():
            whole = assembled(tiles)
            final = all(tile.final for tile in self._last[key].values()) and len(self._last[key]) == self._parts
            found.append(whole.model_copy(update={"final": final, "even": True}))
        return found

    def _fold(self, event: AnyEvent) -> Iterator[AnyEvent]:
        one = event.model_copy(update={"part": 0})
        match event:
            case Started():
                yield from self._first("started", one)
            case Plane():
                yield from self._first((event.point, event.plane), one)
            case Progress():
                self._done[event.part] = event.done
                yield one.model_copy(update={"done": min(sum(self._done.values()), event.total)})
            case SurfaceTile():
                tile = self._joined(event)
                laid = self._tiles.setdefault((event.point, event.plane), [])
                # Every part begins with the same 5×5 points; later ones must not be laid over finer tiles.
                if not (laid and len(event.a) == event.level == COARSEST):
                    laid.append(tile)
                    yield tile
            case _:
                yield one

    def _first(self, what: object, event: AnyEvent) -> Iterator[AnyEvent]:
        if what not in self._once:
            self._once.add(what)
            yield event

    def _joined(self, tile: SurfaceTile) -> SurfaceTile:
        """Return a part's tile with what holds of the whole picture."""
        last = self._last.setdefault((tile.point, tile.plane), {})
        last[tile.part] = tile
        told = list(last.values())
        all_told = len(told) == self._parts
        levels = {each.coarsest or each.level for each in told} | (set() if all_told else {COARSEST})
        shares = [each.data_fraction if each.least_fraction is None else each.least_fraction for each in told]
        bounds = [each.bound for each in told if each.bound is not None]
        return tile.model_copy(
            update={
                "part": 0,
                "final": False,
                "coarsest": min(levels),
                "least_fraction": min(shares),
                "even": all(each.even for each in told) and len(levels) == 1,
                "bound": max(bounds) if all_told and len(bounds) == len(told) else None,
            }
        )
