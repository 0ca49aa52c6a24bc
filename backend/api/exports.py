"""A stored run as a file: JSON (which can be imported again), CSV, NumPy's npz, or a script that repeats it."""

import csv
import io
import json
import pprint
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.schemas.events import AnyEvent, Envelope, Eval, PathPoints, Profile, SurfaceTile, TrainChunk
from backend.schemas.mosaic import assembled
from backend.schemas.run import Run

SCHEMA = 1  # raised when an older reader would misread an export
PIECE = 1 << 20  # bytes sent at once


@dataclass(frozen=True)
class File:
    """An export: its pieces, what kind of file they make, and the end of its name."""

    pieces: Iterator[bytes]
    media_type: str
    suffix: str


Exporter = Callable[[Run, Iterable[str]], File]  # of a run and its envelopes, which are JSON text
# Of several runs in the order of a view, with the choices of its panels by ``panel.control``:
ViewExporter = Callable[[Sequence[tuple[Run, Iterable[str]]], Mapping[str, str]], File]


def as_json(run: Run, texts: Iterable[str]) -> File:
    """Write run and envelopes as they are on the wire."""

    def pieces() -> Iterator[bytes]:
        yield f'{{"schema":{SCHEMA},"run":{run.encode()},"events":['.encode()
        for position, text in enumerate(texts):
            yield f"{',' if position else ''}\n{text}".encode()
        yield b"\n]}\n"

    return File(pieces(), "application/json", "json")


def _events(texts: Iterable[str]) -> Iterator[AnyEvent]:
    return (Envelope.decode(text).event for text in texts)


def as_csv(run: Run, texts: Iterable[str]) -> File:
    """Write one long table: a race by lane and step, a slice by t, otherwise surfaces; not-finite as NaN and inf."""
    kind = (run.request.get("analysis") or {}).get("kind")
    table = _race_rows if run.kind == "train" else _profile_rows if kind == "slice" else _surface_rows

    def pieces() -> Iterator[bytes]:
        yield f"# gradscape run {run.id}, schema {SCHEMA}, seed {run.request.get('seed', 0)}\r\n".encode()
        for row in table(_events(texts)):
            line = io.StringIO()
            csv.writer(line).writerow(row)
            yield line.getvalue().encode()

    return File(pieces(), "text/csv; charset=utf-8", "csv")


RACE = ("lane", "repeat", "step", "quantity", "split", "value")


def _race_rows(events: Iterator[AnyEvent]) -> Iterator[tuple[Any, ...]]:
    yield RACE
    for event in events:
        if isinstance(event, TrainChunk):
            columns = {name: getattr(event, name) for name in ("loss", "grad_norm", "lr", "seconds")}
            for row, step in enumerate(event.step):
                for quantity, column in columns.items():
                    yield event.lane, event.repeat, int(step), quantity, "batch", float(column[row])
        elif isinstance(event, Eval):
            yield event.lane, event.repeat, event.step, "loss", event.split, event.loss
            if event.accuracy is not None:
                yield event.lane, event.repeat, event.step, "accuracy", event.split, event.accuracy


def _surface_rows(events: Iterator[AnyEvent]) -> Iterator[tuple[Any, ...]]:
    yield "plane", "point", "a", "b", "loss", "stderr"
    for (plane, point), tile in _finest(events).items():
        for i, a in enumerate(tile.a):
            for j, b in enumerate(tile.b):
                stderr = "" if tile.stderr is None else float(tile.stderr[i, j])
                yield plane, "" if point is None else point, float(a), float(b), float(tile.loss[i, j]), stderr


def _profile_rows(events: Iterator[AnyEvent]) -> Iterator[tuple[Any, ...]]:
    yield "lane", "repeat", "point", "line", "t", "loss", "stderr"
    for (point, line), profile in _last_profiles(events).items():
        for i, t in enumerate(profile.t):
            stderr = "" if profile.stderr is None else float(profile.stderr[i])
            who = (profile.lane or "", profile.repeat, "" if point is None else point)
            yield *who, line, float(t), float(profile.loss[i]), stderr


def _last_profiles(events: Iterable[AnyEvent]) -> dict[tuple[int | None, str], Profile]:
    """Take of every line its last profile, which holds the points of all before."""
    return {(event.point, event.label): event for event in events if isinstance(event, Profile)}


def _finest(events: Iterable[AnyEvent]) -> dict[tuple[str, int | None], SurfaceTile]:
    """Take of every surface the finest grid that its tiles fill."""
    tiles: dict[tuple[str, int | None], list[SurfaceTile]] = {}
    for event in events:
        if isinstance(event, SurfaceTile):
            tiles.setdefault((event.plane, event.point), []).append(event)
    return {surface: assembled(kept) for surface, kept in tiles.items()}


def as_npz(run: Run, texts: Iterable[str]) -> File:
    """Write arrays: ``train/LANE/REPEAT/COLUMN``, ``path/PLANE/LANE/REPEAT/COLUMN``, ``surface/PLANE/a|b|loss|stderr``.

    An analysis of points has the point's number after the plane, and slices as ``profile/POINT/LINE/t|loss|stderr``.
    ``schema``, ``run`` and ``events`` (the envelopes, JSON Lines) are inside too, so nothing is lost.

    Returns:
        The file; its pieces are made when they are asked for.
    """
    kept = list(texts)
    events = list(_events(kept))
    arrays: dict[str, NDArray[Any]] = {
        "schema": np.array(SCHEMA),
        "run": np.array(run.encode()),
        "events": np.frombuffer("\n".join(kept).encode(), np.uint8),
    }
    columns: dict[str, list[NDArray[Any]]] = {}
    for event in events:
        if isinstance(event, TrainChunk):
            for name in ("step", "loss", "grad_norm", "lr", "seconds"):
                columns.setdefault(f"train/{event.lane}/{event.repeat}/{name}", []).append(getattr(event, name))
        elif isinstance(event, PathPoints):
            for name in ("step", "a", "b", "off_plane", "loss"):
                front = event.plane if event.point is None else f"{event.plane}/{event.point}"
                key = f"path/{front}/{event.lane or ''}/{event.repeat}/{name}"
                columns.setdefault(key, []).append(getattr(event, name))
    arrays |= {key: np.concatenate(parts) for key, parts in columns.items()}
    for (plane, point), tile in _finest(events).items():
        front = f"surface/{plane}" if point is None else f"surface/{plane}/{point}"
        arrays |= {f"{front}/a": tile.a, f"{front}/b": tile.b, f"{front}/loss": tile.loss}
        if tile.stderr is not None:
            arrays[f"{front}/stderr"] = tile.stderr

    for (point, line), profile in _last_profiles(events).items():
        front = f"profile/{point or 0}/{line}"
        arrays |= {f"{front}/t": profile.t, f"{front}/loss": profile.loss}
        if profile.stderr is not None:
            arrays[f"{front}/stderr"] = profile.stderr

    def pieces() -> Iterator[bytes]:
        with tempfile.TemporaryFile() as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
            file.seek(0)
            while piece := file.read(PIECE):
                yield piece

    return File(pieces(), "application/x-npz", "npz")


SCRIPT = '''#!/usr/bin/env python3
"""Repeats the Gradscape run {title}.

    python THIS_FILE                           in memory
    python THIS_FILE --data DIR                stored in DIR
    python THIS_FILE --server http://HOST:PORT on a running server

Needs gradscape {version} in the environment (schema {schema}). Prints the run's events as JSON Lines.
"""

import json
import subprocess
import sys

REQUEST = {request}

if __name__ == "__main__":
    command = ["gradscape", "run", "-", "--json", *sys.argv[1:]]
    sys.exit(subprocess.run(command, input=json.dumps(REQUEST), text=True).returncode)
'''


def script_exporter(version: str) -> Exporter:
    """Make the exporter of scripts, which name the distribution's version."""

    def as_script(run: Run, texts: Iterable[str]) -> File:
        title = ascii(run.name).replace('"', "'").replace("\\", "/")
        request = pprint.pformat(run.request, sort_dicts=False, width=110)
        text = SCRIPT.format(title=title, version=version, schema=SCHEMA, request=request)
        return File(iter([text.encode()]), "text/x-python; charset=utf-8", "py")

    return as_script


def own_exporters(version: str) -> Mapping[str, Exporter]:
    """List the formats that need nothing but the events."""
    return {"json": as_json, "csv": as_csv, "npz": as_npz, "script": script_exporter(version)}


def header(run: Run, file: File) -> dict[str, str]:
    """Make the header that names the downloaded file."""
    return {"content-disposition": f"attachment; filename={json.dumps(f'gradscape-{run.id}.{file.suffix}')}"}
