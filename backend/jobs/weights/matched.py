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
    wanted = dict((*params, *buffers))
    arrays = min(_unwrapped(arrays), key=lambda each: len(wanted.keys() - each.keys()))
    missing = [key for key in wanted if key not in arrays]
    other = [
        f"{key} ({list(wanted[key])} expected, {list(arrays[key].shape)} there)"
        for key in wanted
        if key in arrays and tuple(arrays[key].shape) != wanted[key]
    ]
    unused = tuple(key for key in arrays if key not in wanted)
    if missing or other:
        parts = [("missing", missing), ("of another shape", other), ("not used", unused)]
        report = "; ".join(f"{said}: {_listed(names)}" for said, names in parts if names)
        fitting = len(wanted) - len(missing) - len(other)
        raise Unsupported(
            f"checkpoint {name}: {fitting} of the problem's {len(wanted)} tensors match by name and shape; {report}",
            hint="Choose the problem that the weights belong to, with the same sizes, or save them under these names.",
            where=name,
        )
    return Matched(_flat(arrays, params), _flat(arrays, buffers), unused)


def _unwrapped(arrays: Arrays) -> list[Arrays]:
    found = [arrays]
    for prefix in (*WRAPPERS, *WRAPPERS):  # in any order, one around the other
        found += [{key.removeprefix(prefix): each for key, each in known.items()} for known in tuple(found)]
    return found


def _flat(arrays: Arrays, entries: Entries) -> NDArray[Any]:
    parts = [arrays[key].astype(np.float64).ravel() for key, _ in entries]
    return np.concatenate(parts) if parts else np.empty(0)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
