"""A checkpoint file's tensors in the places of a problem's: by name and shape, with a report of what does not match."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.jobs.errors import Unsupported

Arrays = Mapping[str, NDArray[Any]]
Entries = Sequence[tuple[str, tuple[int, ...]]]
WRAPPERS: Final = ("module.", "_orig_mod.", "model.")  # what others put before every name
NAMED: Final = 4  # names of a list that are told; more are counted


@dataclass(frozen=True)
class Matched:
    """Flat parameters and buffers, and what the file holds besides."""

    params_P: NDArray[Any]
    buffers_B: NDArray[Any]
    unused: tuple[str, ...]


@dataclass(frozen=True)
class Report:
    """What of a file fits a problem: tensors by name, those that are missing, of another shape, or not used."""

    names: Mapping[str, str]  # of each tensor in the file, without a wrapper's prefix → as it stands there
    wanted: int
    missing: tuple[str, ...]
    other: tuple[str, ...]
    unused: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether every tensor of the problem is there."""
        return not self.missing and not self.other

    @property
    def fitting(self) -> int:
        """Return how many of the problem's tensors are there."""
        return self.wanted - len(self.missing) - len(self.other)

    def __str__(self) -> str:
        parts = [("missing", self.missing), ("of another shape", self.other), ("not used", self.unused)]
        told = "; ".join(f"{said}: {_listed(names)}" for said, names in parts if names)
        said = f"{self.fitting} of the problem's {self.wanted} tensors match by name and shape"
        return f"{said}; {told}" if told else said


def report(shapes: Mapping[str, tuple[int, ...]], wanted: Mapping[str, tuple[int, ...]]) -> Report:
    """Compare a file's tensors with a problem's.

    Args:
        shapes: of the file's, by name; a wrapper's prefix before all names is left out.
        wanted: of the problem's.

    Returns:
        What matches and what does not.
    """
    names = min(_unwrapped({key: key for key in shapes}), key=lambda each: len(wanted.keys() - each.keys()))
    found = {key: tuple(shapes[name]) for key, name in names.items()}
    other = tuple(
        f"{key} ({list(shape)} expected, {list(found[key])} there)"
        for key, shape in wanted.items()
        if key in found and found[key] != shape
    )
    missing, unused = tuple(key for key in wanted if key not in found), tuple(key for key in found if key not in wanted)
    return Report(names, len(wanted), missing, other, unused)


def matched(name: str, arrays: Arrays, params: Entries, buffers: Entries) -> Matched:
    """Put a file's tensors into a problem's order.

    Args:
        name: the checkpoint's.
        arrays: its tensors; a wrapper's prefix before all names is left out.
        params: names and shapes of the problem's parameters.
        buffers: likewise of its buffers.

    Returns:
        The flat vectors.

    Raises:
        Unsupported: where a tensor is missing or of another shape, with the report.
    """
    found = report({key: array.shape for key, array in arrays.items()}, dict((*params, *buffers)))
    if not found.fits:
        raise Unsupported(
            f"checkpoint {name}: {found}",
            hint="Choose the problem that the weights belong to, with the same sizes, or save them under these names.",
            where=name,
        )
    named = {key: arrays[there] for key, there in found.names.items()}
    return Matched(_flat(named, params), _flat(named, buffers), found.unused)


def _unwrapped(names: Mapping[str, str]) -> list[Mapping[str, str]]:
    found = [names]
    for prefix in (*WRAPPERS, *WRAPPERS):  # in any order, one around the other
        found += [{key.removeprefix(prefix): each for key, each in known.items()} for known in tuple(found)]
    return found


def _flat(arrays: Arrays, entries: Entries) -> NDArray[Any]:
    parts = [arrays[key].astype(np.float64).ravel() for key, _ in entries]
    return np.concatenate(parts) if parts else np.empty(0)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
