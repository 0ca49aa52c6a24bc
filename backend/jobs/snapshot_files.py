"""Snapshots, checkpoints and planes of a run as safetensors files; reads and writes without torch.

::

    <folder>/snapshots/<part>.<lane's order>.<repeat>.<first step>-<last step>.<moments>.safetensors    many each
    <folder>/checkpoints/<part>.<lane's order>.<repeat>.<step>.safetensors                    one each
    <folder>/planes/<id>.safetensors

Lane names may hold any character, so they stand in the files' headers. Every file appears at once: a reader sees all
of it or nothing. A crash may leave a moment in two files; they hold the same. The folder is on this machine, or behind
a URL that several machines share (``blobs``).

Shapes: n moments, P parameters, B buffer values.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from backend.jobs.blobs import Place, bytes_of, files_of, is_file, opened, write_whole
from backend.schemas.events import Plane
from backend.schemas.snapshot import KeptSnapshot

Arrays = Mapping[str, NDArray[Any]]
T = TypeVar("T")
SUFFIX: Final = ".safetensors"
TRIES: Final = 5  # a running race may merge two files while they are read


@dataclass(frozen=True)
class Segment:
    """A file with the moments of some steps of one lane."""

    file: Place
    lane: str
    repeat: int
    steps: tuple[int, ...]
    bytes: int  # of the whole file


@dataclass(frozen=True)
class KeptMoment:
    """Parameters [P] and buffers [B] after ``step`` updates."""

    step: int
    params_P: NDArray[Any]
    buffers_B: NDArray[Any]


@dataclass(frozen=True)
class KeptState:
    """A lane's checkpoint."""

    lane: str
    repeat: int
    step: int
    arrays: Arrays
    values: Mapping[str, object]


@dataclass(frozen=True)
class KeptPlane:
    """A plane by its id: origin + a·u + b·v."""

    origin: KeptMoment
    u_P: NDArray[Any]
    v_P: NDArray[Any]
    about: Plane | None = None  # what was told about it


def write_file(file: Place, arrays: Arrays, header: Mapping[str, str]) -> int:
    """Write a file at once; a reader sees the old one or the new one. Not synced: a power cut may lose the newest.

    Returns:
        Its size in bytes.

    Raises:
        OSError: where the disk is full or may not be written; nothing is left behind.
    """
    data = save({name: np.asarray(array, order="C") for name, array in arrays.items()}, metadata=dict(header))
    write_whole(file, data)
    return len(data)


def write_segment(folder: Place, stem: str, lane: str, repeat: int, moments: Sequence[KeptMoment]) -> Segment:
    """Write moments, in order of steps, as one file.

    Args:
        folder: the run's.
        stem: part, lane's order and repeat, as the file's name begins.
        lane: its name.
        repeat: which repeat of it.
        moments: at least one; all of one lane.

    Returns:
        What has been written.
    """
    steps = tuple(moment.step for moment in moments)
    # With their number in the name, another choice of moments is another file: none ever changes while it is read.
    file = folder / "snapshots" / f"{stem}.{steps[0]:09d}-{steps[-1]:09d}.{len(steps)}{SUFFIX}"
    arrays = {
        "params": np.stack([moment.params_P for moment in moments]),
        "buffers": np.stack([moment.buffers_B for moment in moments]),
    }
    header = {"lane": lane, "repeat": str(repeat), "steps": json.dumps(steps)}
    return Segment(file, lane, repeat, steps, write_file(file, arrays, header))


def read_segment(segment: Segment, steps: Iterable[int]) -> list[KeptMoment]:
    """Read some of a segment's moments."""
    with opened(segment.file) as file:
        index = {step: i for i, step in enumerate(segment.steps)}
        return [KeptMoment(step, file.row("params", index[step]), file.row("buffers", index[step])) for step in steps]


def list_segments(folder: Place) -> list[Segment]:
    """Read the headers of a run's snapshot files, in order of lane, repeat and step."""
    return _patiently(lambda: [_segment(file) for file in files_of(folder / "snapshots", SUFFIX)])


def list_snapshots(folder: Place) -> list[KeptSnapshot]:
    """Tell what a run has kept, in order of lane, repeat and step; the truth about what is still there."""
    resumable: dict[tuple[str, int], dict[int, int]] = {}
    for lane, repeat, step, size in _patiently(lambda: _checkpoints(folder)):
        resumable.setdefault((lane, repeat), {})[step] = size
    kept: dict[tuple[str, int], dict[int, int]] = {}
    for segment in list_segments(folder):
        sizes = kept.setdefault((segment.lane, segment.repeat), {})
        sizes.update(dict.fromkeys(segment.steps, segment.bytes // len(segment.steps)))
    for key, states in resumable.items():
        for step, size in states.items():
            kept.setdefault(key, {}).setdefault(step, size)
    return [
        KeptSnapshot(
            lane=lane, repeat=repeat, step=step, bytes=size, resumable=step in resumable.get((lane, repeat), {})
        )
        for (lane, repeat), sizes in kept.items()
        for step, size in sorted(sizes.items())
    ]


def read_moments(folder: Place, lane: str, repeat: int, steps: Sequence[int]) -> list[KeptMoment]:
    """Read moments of a lane in the order of ``steps``; steps that are gone by now are left out."""

    def read() -> list[KeptMoment]:
        found: dict[int, KeptMoment] = {}
        for segment in list_segments(folder):
            if (segment.lane, segment.repeat) == (lane, repeat):
                wanted = [step for step in segment.steps if step in set(steps) and step not in found]
                found.update((moment.step, moment) for moment in read_segment(segment, wanted))
        return [found[step] for step in steps if step in found]

    return _patiently(read)


def write_checkpoint(folder: Place, stem: str, state: KeptState) -> tuple[Place, int]:
    """Write a lane's whole state.

    Returns:
        The file, and its size in bytes.
    """
    header = {
        "lane": state.lane,
        "repeat": str(state.repeat),
        "step": str(state.step),
        "values": json.dumps(dict(state.values)),
    }
    file = folder / "checkpoints" / f"{stem}.{state.step:09d}{SUFFIX}"
    return file, write_file(file, state.arrays, header)


def read_checkpoints(folder: Place, step: int | None = None) -> list[KeptState]:
    """Read a state of every lane, in their order: the last one, or the last one at or before a step."""

    def read() -> list[KeptState]:
        chosen: dict[str, Place] = {}
        for file in files_of(folder / "checkpoints", SUFFIX):  # in order of lanes, then of steps
            stem, _, at = file.name.removesuffix(SUFFIX).rpartition(".")
            if step is None or int(at) <= step:
                chosen[stem] = file
        return [_state(file) for file in chosen.values()]

    return _patiently(read)


def write_plane(folder: Place, plane: str, kept: KeptPlane) -> None:
    """Write a plane under its id."""
    arrays = {"params": kept.origin.params_P, "buffers": kept.origin.buffers_B, "u": kept.u_P, "v": kept.v_P}
    header = {"plane": plane, "step": str(kept.origin.step)}
    if kept.about is not None:
        header["about"] = kept.about.encode()
    write_file(_plane_file(folder, plane), arrays, header)


def has_plane(folder: Place, plane: str) -> bool:
    """Whether a run has kept a plane."""
    return plane.isalnum() and is_file(_plane_file(folder, plane))


def read_plane(folder: Place, plane: str) -> KeptPlane:
    """Read a plane by its id.

    Returns:
        The plane.

    Raises:
        FileNotFoundError: where it was not kept.
    """
    with opened(_plane_file(folder, plane)) as file:
        header = file.metadata()
        origin = KeptMoment(int(header["step"]), file.tensor("params"), file.tensor("buffers"))
        about = Plane.decode(header["about"]) if "about" in header else None
        return KeptPlane(origin, file.tensor("u"), file.tensor("v"), about)


def _plane_file(folder: Place, plane: str) -> Place:
    if not plane.isalnum():  # ids are hexadecimal; anything else could lead out of the folder
        raise FileNotFoundError(f"expected a plane's id of letters and digits, got {plane!r}")
    return folder / "planes" / f"{plane}{SUFFIX}"


def _segment(file: Place) -> Segment:
    with opened(file) as found:
        header = found.metadata()
    steps = tuple(json.loads(header["steps"]))
    return Segment(file, header["lane"], int(header["repeat"]), steps, bytes_of(file))


def _checkpoints(folder: Place) -> list[tuple[str, int, int, int]]:
    found = []
    for file in files_of(folder / "checkpoints", SUFFIX):
        with opened(file) as there:
            header = there.metadata()
        found.append((header["lane"], int(header["repeat"]), int(header["step"]), bytes_of(file)))
    return found


def _state(file: Place) -> KeptState:
    with opened(file) as there:
        header = there.metadata()
        arrays = {name: there.tensor(name) for name in there.keys()}  # noqa: SIM118 (not a mapping)
    values = json.loads(header["values"])
    return KeptState(header["lane"], int(header["repeat"]), int(header["step"]), arrays, values)


def _patiently(read: Callable[[], T]) -> T:
    """Read again where a file went away between being listed and being opened."""
    for _ in range(TRIES - 1):
        try:
            return read()
        except FileNotFoundError:
            continue
    return read()
