"""What of a run's events must repeat: columns joined per lane; times, progress and chunks' bounds dropped."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.schemas.events import AnyEvent, Band, PathPoints, Progress, TrainChunk

COLUMNS = {
    "train_chunk": ("step", "loss", "grad_norm", "lr"),
    "path_points": ("step", "a", "b", "off_plane", "loss"),
    "band": ("step", "loss", "loss_low", "loss_high", "evaluations"),
}
TIMES = frozenset({"seconds"})


def _exact(value: Any) -> Any:
    """Return something that compares equal where, and only where, every bit is equal; NaN included."""
    return (str(value.dtype), value.shape, value.tobytes()) if isinstance(value, np.ndarray) else value


def fold(events: Iterable[AnyEvent]) -> dict[str, Any]:
    """Return ``columns`` by stream, and all ``other`` events in their order."""
    parts: dict[tuple[Any, ...], dict[str, list[NDArray[Any]]]] = {}
    others: list[dict[str, Any]] = []
    for event in events:
        if isinstance(event, TrainChunk | PathPoints | Band):
            about = (getattr(event, name, None) for name in ("repeat", "plane", "split"))
            key = (event.kind, event.part, event.lane, *about)
            stream = parts.setdefault(key, {name: [] for name in COLUMNS[event.kind]})
            for name, columns in stream.items():
                columns.append(getattr(event, name))
        elif not isinstance(event, Progress):
            others.append({name: _exact(value) for name, value in event if name not in TIMES})
    columns = {
        key: {name: _exact(np.concatenate(arrays)) for name, arrays in stream.items()} for key, stream in parts.items()
    }
    return {"columns": columns, "other": others}
