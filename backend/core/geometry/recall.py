"""Surfaces drawn lately by this process, so that a finer one, or the rest of a cancelled one, is not begun anew."""

from collections import OrderedDict
from collections.abc import Generator
from typing import Final, NamedTuple

import numpy as np

from backend.core.analyses.base import ALIVE, Tick
from backend.core.geometry.evaluate import Arithmetic, Evaluator, Sample, Tally
from backend.core.geometry.grid import coordinates
from backend.core.geometry.mesh import SIDE, Mesh
from backend.core.geometry.plane import Plane

KEPT: Final = 16  # surfaces, 400 kB each
SAME: Final = 1e-5  # of the range: what rounding may change


class _Key(NamedTuple):
    plane: str  # its contents, with its extent and its BatchNorm policy
    fraction: float
    arithmetic: str
    examples: int


_kept: OrderedDict[_Key, Mesh] = OrderedDict()


def forget() -> None:
    """Forget all surfaces."""
    _kept.clear()


def recalled(
    plane: Plane, where: Sample, evaluator: Evaluator, arithmetic: Arithmetic, new: Mesh
) -> Generator[Tick, None, Mesh]:
    """Find the mesh that has been worked out on a plane, or keep a new one, which goes on being filled.

    A plane's name says nothing of the problem. So the middle and the corners are evaluated again, and the mesh is taken
    only where they are the same.

    Args:
        plane: where.
        where: the examples.
        evaluator: of the points.
        arithmetic: what they are evaluated in.
        new: a mesh to begin with.

    Yields:
        Ticks without pieces.

    Returns:
        The mesh.
    """
    key = _Key(plane.id, where.fraction, arithmetic, evaluator.examples)
    old = _kept.get(key)
    if old is None or not (yield from _agrees(old, plane, evaluator)):
        old = new
    _kept[key] = old
    _kept.move_to_end(key)
    while len(_kept) > KEPT:
        _kept.popitem(last=False)
    return old


def _agrees(old: Mesh, plane: Plane, evaluator: Evaluator) -> Generator[Tick, None, bool]:
    axis = coordinates(SIDE, plane.extent).tolist()
    ends = (0, SIDE // 2, SIDE - 1)
    cells = [(i, j) for i in ends for j in ends if (i == SIDE // 2) == (j == SIDE // 2)]
    count = max(int(old.count_GG[cell]) for cell in cells)
    if count == 0:
        return False
    cells = [cell for cell in cells if old.count_GG[cell] == count]
    work = evaluator.tally([(axis[i], axis[j]) for i, j in cells], 0, count)
    while True:
        try:
            next(work)
            yield ALIVE
        except StopIteration as stop:
            found: Tally = stop.value
            break
    kept_K = np.array([old.mean_GG[cell] for cell in cells])
    slack = SAME * max(old.span(), float(np.max(np.abs(kept_K), initial=0.0, where=np.isfinite(kept_K))))
    return bool(np.allclose(found.mean_K, kept_K, rtol=0.0, atol=slack, equal_nan=True))
