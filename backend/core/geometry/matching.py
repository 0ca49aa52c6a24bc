"""Which units of one network do the work of which units of another: permutations that bring two networks together.

Shapes: P parameters, n units of a group, N examples, F values that a unit takes over the examples.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Generator, Tensor

from backend.core.geometry.directions import exact
from backend.core.geometry.permutation import Permutations, along, identity
from backend.core.problems.params import Layout
from backend.core.problems.units import Units

SWEEPS: Final = 100  # of coordinate descent at most; a handful is the rule
GAIN: Final = 1e-12  # of the agreement, as a share of ‖A‖·‖B‖, below which a move is a rounding error
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Matched:
    """Permutations of B's units, the agreement ⟨A, πB⟩ that they reach, and the sweeps that it took."""

    permutations: Permutations
    agreement: float
    sweeps: int


def assign(gain_nn: Floats, cells: int = 1) -> NDArray[np.int64]:
    """Find the permutation that maximises Σᵢ gain[i, perm[i]].

    With cells, only permutations that keep cells together: an assignment within every pair of cells, then one of
    cells by what those reach. Both are exact (``scipy.optimize.linear_sum_assignment``).

    Args:
        gain_nn: what it is worth to put unit j (column) in place i (row).
        cells: how many cells of equal size.

    Returns:
        perm [n].

    Example:
        >>> assign(np.array([[0.0, 3.0], [1.0, 0.0]])).tolist()
        [1, 0]
    """
    width = len(gain_nn) // cells
    inner = np.empty((cells, cells, width), np.int64)
    worth = np.empty((cells, cells))
    for row in range(cells):
        for column in range(cells):
            part = gain_nn[row * width : (row + 1) * width, column * width : (column + 1) * width]
            rows, inner[row, column] = linear_sum_assignment(part, maximize=True)
            worth[row, column] = part[rows, inner[row, column]].sum()
    _, chosen = linear_sum_assignment(worth, maximize=True)
    return np.concatenate([chosen[row] * width + inner[row, chosen[row]] for row in range(cells)])


def match_weights(
    layout: Layout, units: Sequence[Units], a_P: Tensor, b_P: Tensor, generator: Generator, sweeps: int = SWEEPS
) -> Iterator[Matched]:
    """Permute B's units so that its weights come close to A's: maximise ⟨A, πB⟩, that is minimise ‖A − πB‖.

    Coordinate descent over the groups: with the others held, the best permutation of one group is a linear assignment.
    It ends when a sweep in random order gains nothing. It is run from two starts, and the better end is kept: from
    the identity, and from a greedy pass in which each group looks only at tensors whose other groups are settled (so
    that a permuted copy is recovered layer by layer from the inputs). No start finds the best for certain: the joint
    problem is hard.

    Ainsworth, Hayase & Srinivasa 2023, Git Re-Basin, algorithm 1.

    Args:
        layout: where each tensor lies.
        units: the groups that may be permuted.
        a_P: where to.
        b_P: what is permuted; left as it is.
        generator: of the order of the groups in each sweep.
        sweeps: at most, from each start.

    Yields:
        What has been reached after each sweep; the last one is the result.

    Example:
        >>> from backend.core.problems.units import Axis
        >>> layout = Layout((("0.weight", (2, 1)), ("2.weight", (1, 2))))
        >>> group = Units(2, (Axis("0.weight", 0, "made"), Axis("2.weight", 1, "read")))
        >>> a_P, b_P = torch.tensor([1.0, 2.0, 3.0, 4.0]), torch.tensor([2.0, 1.0, 4.0, 3.0])
        >>> *_, last = match_weights(layout, [group], a_P, b_P, torch.Generator())
        >>> last.permutations[0].tolist()
        [1, 0]
    """
    pair = _Pair(layout, tuple(units), exact(a_P).cpu(), exact(b_P).cpu())
    best = Matched(identity(units), pair.agreement(identity(units)), 0)
    for start in (identity(units), pair.greedy()):
        now, reached = list(start), pair.agreement(tuple(start))
        for sweep in range(1, sweeps + 1):
            before = reached
            for group in torch.randperm(len(units), generator=generator).tolist():
                now[group] = pair.best(group, now)
            reached = pair.agreement(tuple(now))
            if reached > best.agreement + pair.slack:
                best = Matched(tuple(now), reached, sweep)
            yield best
            if reached <= before + pair.slack:
                break


def match_activations(units: Sequence[Units], a: Sequence[Tensor], b: Sequence[Tensor]) -> Permutations:
    """Permute B's units so that their values over the same examples come close to A's.

    For each group by itself maximise Σᵢ ⟨z_A,i, z_B,perm(i)⟩, that is minimise Σᵢ ‖z_A,i − z_B,perm(i)‖²: one linear
    assignment a group, exact.

    Ainsworth, Hayase & Srinivasa 2023, Git Re-Basin, section 3.1.

    Args:
        units: the groups.
        a: A's values [n, F] of each group.
        b: B's, over the same examples.

    Returns:
        Permutations of B's units.
    """
    found = []
    for group, a_nF, b_nF in zip(units, a, b, strict=True):
        gain_nn = (exact(a_nF) @ exact(b_nF).T).cpu().numpy()
        found.append(torch.from_numpy(assign(gain_nn, group.cells)))
    return tuple(found)


class _Pair:
    """Two networks' tensors, and what a permutation of B's units is worth."""

    def __init__(self, layout: Layout, units: tuple[Units, ...], a_P: Tensor, b_P: Tensor) -> None:
        self._units = units
        self._a, self._b = layout.unflatten(a_P), layout.unflatten(b_P)
        self._touched: dict[str, list[int]] = {}  # groups of each tensor
        for index, group in enumerate(units):
            for axis in group.axes:
                self._touched.setdefault(axis.tensor, []).append(index)
        self.slack = GAIN * float(a_P.norm() * b_P.norm())

    def best(self, group: int, now: Sequence[Tensor], settled: frozenset[int] | None = None) -> Tensor:
        """Return the best permutation of one group while the others are as they are now."""
        units = self._units[group]
        gain_nn = torch.zeros(units.size, units.size, dtype=torch.float64)
        for axis in units.axes:
            others = [index for index in self._touched[axis.tensor] if index != group]
            if settled is not None and not settled.issuperset(others):
                continue
            a = self._a[axis.tensor].unflatten(axis.axis, (-1, axis.repeat)).movedim(axis.axis, 0).flatten(1)
            b = self._moved(axis.tensor, now, others).unflatten(axis.axis, (-1, axis.repeat))
            gain_nn += a @ b.movedim(axis.axis, 0).flatten(1).T
        return torch.from_numpy(assign(gain_nn.numpy(), units.cells))

    def greedy(self) -> Permutations:
        """Settle the groups in their order, from the inputs on, each by the tensors whose other groups are settled."""
        now = list(identity(self._units))
        for group in range(len(self._units)):
            now[group] = self.best(group, now, frozenset(range(group)))
        return tuple(now)

    def agreement(self, now: Permutations) -> float:
        """⟨A, πB⟩ over all tensors, in float64."""
        return sum(
            float((a * self._moved(name, now, self._touched.get(name, []))).sum()) for name, a in self._a.items()
        )

    def _moved(self, name: str, now: Sequence[Tensor], groups: Sequence[int]) -> Tensor:
        """One of B's tensors with these groups' units in their places."""
        tensor = self._b[name]
        for group in groups:
            for axis in self._units[group].axes:
                if axis.tensor == name:
                    tensor = along(tensor, axis, now[group])
        return tensor
