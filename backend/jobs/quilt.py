"""What the parts of a split surface tell, joined into one picture."""

from collections.abc import Iterator
from typing import Final

from backend.schemas.events import AnyEvent, Plane, Progress, Started, SurfaceTile
from backend.schemas.mosaic import assembled

COARSEST: Final = 5
Key = tuple[int | None, str]  # a surface: its point and its plane


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

    def fold(self, event: AnyEvent) -> Iterator[AnyEvent]:
        """Yield what is to be told of an event of one part."""
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

    def part_ended(self, part: int) -> list[AnyEvent]:
        """Tell nothing: the tiles of a part that has ended are there already."""
        return []

    def finish(self) -> list[AnyEvent]:
        """Return each surface as one tile; call it once all parts have succeeded."""
        found: list[AnyEvent] = []
        for key, tiles in self._tiles.items():
            whole = assembled(tiles)
            final = all(tile.final for tile in self._last[key].values()) and len(self._last[key]) == self._parts
            found.append(whole.model_copy(update={"final": final, "even": True}))
        return found

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
