"""What ``gradscape run`` prints for people: one line while it runs, a table at the end."""

import math
from dataclasses import dataclass, field
from typing import TextIO

import numpy as np

from backend.schemas.events import (
    AnyEvent,
    Eval,
    Failed,
    Finished,
    LaneEnded,
    PathPoints,
    Plane,
    Progress,
    Started,
    SurfaceTile,
    TrainChunk,
)
from backend.schemas.mosaic import assembled


@dataclass
class LaneLine:
    """The last that is known of a lane."""

    step: int = 0
    loss: float = math.nan
    accuracy: dict[str, float | None] = field(default_factory=dict)
    reason: str = ""


class Report:
    """Folds events into a few lines of text.

    Args:
        out: where to print.
        live: whether ``out`` is a terminal, where the progress line may be overwritten.
    """

    def __init__(self, out: TextIO, *, live: bool) -> None:
        self.out = out
        self.live = live
        self.lanes: dict[tuple[str, int], LaneLine] = {}
        self.surfaces: dict[str, list[SurfaceTile]] = {}
        self.planes: dict[str, Plane] = {}
        self.tenth = -1
        self.line_open = False

    def take(self, event: AnyEvent) -> None:
        """Take the next event."""
        match event:
            case Started():
                self._print(
                    f"{event.device} · {event.dtype} · {event.parameters:,} parameters · {event.examples:,} examples"
                )
            case Progress():
                self._progress(event)
            case TrainChunk() if event.step.size:
                lane = self._lane(event.lane, event.repeat)
                lane.step, lane.loss = int(event.step[-1]), float(event.loss[-1])
            case Eval() if event.lane is not None:
                lane = self._lane(event.lane, event.repeat)
                lane.accuracy[event.split] = event.accuracy
            case LaneEnded() if event.lane is not None:
                self._ended(event, self._lane(event.lane, event.repeat))
            case Plane():
                self.planes[event.plane] = event
            case SurfaceTile():
                self.surfaces.setdefault(event.plane, []).append(event)
            case PathPoints() if event.lane is not None:
                self._lane(event.lane, event.repeat)
            case Failed():
                self._print(f"{event.error.code}: {event.error.message}")
                self._print(event.error.hint or "")
            case Finished():
                self._close(event)
            case _:
                pass

    def _lane(self, name: str, repeat: int) -> LaneLine:
        return self.lanes.setdefault((name, repeat), LaneLine())

    def _print(self, text: str) -> None:
        print(("\r\x1b[K" if self.line_open else "") + text, file=self.out, flush=True)
        self.line_open = False

    def _progress(self, event: Progress) -> None:
        share = event.done / event.total if event.total else 0.0
        losses = "  ".join(f"{name} {lane.loss:.4g}" for (name, _), lane in self.lanes.items())
        text = f"{event.phase} {event.done}/{event.total}  {losses}"
        if self.live:
            print(f"\r\x1b[K{text[:118]}", end="", file=self.out, flush=True)
            self.line_open = True
        elif int(share * 10) != self.tenth:
            self.tenth = int(share * 10)
            self._print(text)

    def _ended(self, event: LaneEnded, lane: LaneLine) -> None:
        lane.reason = event.reason
        lane.step = lane.step if event.step is None else event.step
        if event.reason == "diverged":
            self._print(f"{event.lane} diverged at step {lane.step}")

    def _close(self, event: Finished) -> None:
        if any(lane.reason or lane.step for lane in self.lanes.values()):
            self._print(self._lane_table())
        for name, tiles in self.surfaces.items():
            tile = assembled(tiles)
            loss = tile.loss[np.isfinite(tile.loss)]
            span = f"loss {loss.min():.4g} to {loss.max():.4g}" if loss.size else "no finite loss"
            holes = int(tile.loss.size - loss.size)
            kind = self.planes[name].kind_of_plane if name in self.planes else ""
            missing = f", {holes} points not finite" if holes else ""
            self._print(f"surface on the {kind} plane {name}: {tile.level}×{tile.level}, {span}{missing}")
        self._print(f"{event.status} in {event.seconds:.2f} s")

    def _lane_table(self) -> str:
        several = any(repeat for _, repeat in self.lanes)
        rows: list[tuple[str, ...]] = [("lane", "steps", "last loss", "train acc", "test acc", "ended")]
        for (name, repeat), lane in self.lanes.items():
            shown = [_percent(lane.accuracy.get(split)) for split in ("train", "test")]
            label = f"{name} #{repeat}" if several else name
            rows.append((label, str(lane.step), f"{lane.loss:.6g}", *shown, lane.reason))
        widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
        return "\n".join(
            "  ".join(
                cell.ljust(width) if column in {0, 5} else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in rows
        )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"
