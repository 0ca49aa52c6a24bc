"""What of a surface to work out next: where the picture may be most wrong, and on how much of the data.

Shapes: G lattice points a side, K cells, p patches a side.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from backend.core.geometry.grid import between
from backend.core.geometry.mesh import PATCHES, WIDTH, Cells, Floats, Mesh, patch_slices, stride_of

FEWEST: Final = 256  # examples of a first pass
MOST: Final = 4096
SHARE: Final = 8  # the first pass takes an eighth of the examples
CHEAP: Final = 400_000_000  # products of one point on all examples; 25 such take a fraction of a second
TAKEN: Final = 0.5  # patches with at least this share of the largest error are worked on together
SAFETY: Final = 0.5  # of what the level before missed: a smooth surface's own error is a quarter of it, a kink's half
UNSEEN: Final = {WIDTH: 1.5, WIDTH // 2: 0.75}  # likewise at 5×5 and 9×9, where much may lie between the points
SPREAD: Final = np.array([0.7548776662, 0.5698402910])  # fractions of whose multiples fill the square evenly
SPOTS: Final = 2  # in each patch, at most
SPOTTED: Final = 3.0  # of what the picture misses at the spots: there are few of them


def first_pass(total: int, products: int) -> int:
    """Return how many examples the first pass takes.

    All of so few that a part would not tell much, and all where that takes no time.

    Args:
        total: how many there are.
        products: about how many multiplications a point takes on all of them.

    Example:
        >>> [first_pass(total, 10**9) for total in (100, 511, 1500, 4096, 60000)]
        [100, 511, 256, 512, 4096]
        >>> first_pass(4096, 10**6)
        4096
    """
    return total if total < 2 * FEWEST or products < CHEAP else min(MOST, max(FEWEST, total // SHARE))


@dataclass(frozen=True, eq=False)
class Errors:
    """By how much the drawn picture may be off in each patch [p, p]: between the points, and for want of examples."""

    interpolation_pp: Floats
    sampling_pp: Floats

    @property
    def both_pp(self) -> Floats:
        """Their sums."""
        return self.interpolation_pp + self.sampling_pp


@dataclass(frozen=True, eq=False)
class State:
    """Where the picture stands: each patch's spacing, examples and errors [p, p], and the range of the losses."""

    stride_pp: NDArray[np.int64]
    count_pp: NDArray[np.int64]
    errors: Errors
    span: float


@dataclass(frozen=True, eq=False)
class Round:
    """Patches that are worked on together, and their cells."""

    patches: tuple[tuple[int, int], ...]
    fresh: Cells  # not evaluated yet: on the first pass's examples
    more: Cells  # then these: on the examples after the first pass


@dataclass(eq=False)
class Refinement:
    """Leads a mesh from 5×5 points to a resolution, and from a first pass over some examples to all of them.

    A round takes the patches with the largest errors. Where too few examples matter more than points too far apart,
    the patch's cells are completed; otherwise its spacing is halved. In the end every cell has been evaluated once on
    every example, whatever the order. Where the work is split over workers, each begins with the same 5×5 points and
    then refines patches of its own (``mine_pp``).
    """

    mesh: Mesh
    resolution: int
    first: int
    mine_pp: NDArray[np.bool_] = field(default_factory=lambda: np.ones((PATCHES, PATCHES), bool))
    _state: tuple[int, State] | None = None  # of the mesh after so many additions

    @property
    def finest(self) -> int:
        """Spacing at the end, in lattice intervals."""
        return stride_of(self.resolution)

    def strides(self) -> NDArray[np.int64]:
        """Return each patch's spacing."""
        return self.mesh.strides(self.finest)

    def state(self) -> State:
        """Return where the picture stands."""
        if self._state is None or self._state[0] != self.mesh.added:
            stride_pp = self.strides()
            errors = errors_of(self.mesh, stride_pp)
            self._state = self.mesh.added, State(stride_pp, self.mesh.counts(stride_pp), errors, self.mesh.span())
        return self._state[1]

    def spots(self) -> Cells:
        """Return two cells of the last grid in each patch of its own, [K, 2], that no coarser grid holds.

        They are evaluated early, to look between the points: a surface that ripples may be smooth at all of those.
        Where the last grid has few, two may be one.
        """
        odd = WIDTH // (2 * self.finest)  # odd multiples of the last spacing in a patch
        if odd < 1:
            return np.empty((0, 2), np.intp)
        spot = (np.flatnonzero(self.mine_pp)[:, None] * SPOTS + np.arange(SPOTS)).ravel()
        patch = spot // SPOTS
        corner = np.stack([patch // PATCHES, patch % PATCHES], 1) * WIDTH
        spread = np.floor(spot[:, None] * SPREAD % 1 * odd).astype(np.intp)
        return np.unique(corner + self.finest * (2 * spread + 1), axis=0)

    def next(self) -> Round | None:
        """Return what to evaluate next; None when all is done."""
        mesh = self.mesh
        if not mesh.count_GG[::WIDTH, ::WIDTH].all():
            return self._round([(row, column) for row in range(PATCHES) for column in range(PATCHES)], {})
        state = self.state()
        stride_pp, count_pp, errors = state.stride_pp, state.count_pp, state.errors
        open_pp = self.mine_pp & ((stride_pp > self.finest) | (count_pp < mesh.total))
        if not open_pp.any():
            return None
        # The border of a hole is where the picture is least known.
        urgent_pp = errors.both_pp + state.span * (mesh.holes(stride_pp) & (stride_pp > self.finest))
        worst = float(urgent_pp[open_pp].max())
        chosen = [(int(row), int(column)) for row, column in np.argwhere(open_pp & (urgent_pp >= TAKEN * worst))]
        blind_pp = (count_pp < mesh.total) & (errors.sampling_pp >= errors.interpolation_pp)
        finer = {
            place: int(stride_pp[place]) // 2
            for place in chosen
            if stride_pp[place] > self.finest and not blind_pp[place]
        }
        return self._round(chosen, finer)

    def _round(self, patches: list[tuple[int, int]], finer: dict[tuple[int, int], int]) -> Round:
        """List the cells of some patches: at a finer spacing, or those that are to be completed."""
        mesh = self.mesh
        stride_pp = self.strides()
        fresh, more = np.zeros_like(mesh.count_GG, dtype=bool), np.zeros_like(mesh.count_GG, dtype=bool)
        begun = bool(mesh.count_GG[::WIDTH, ::WIDTH].all())
        for place in patches:
            stride = finer.get(place, int(stride_pp[place]))
            where = patch_slices(*place, stride)
            count = mesh.count_GG[where]
            fresh[where] |= count == 0
            complete = bool((mesh.count_GG[patch_slices(*place, int(stride_pp[place]))] == mesh.total).all())
            if begun and (place not in finer or complete):
                more[where] |= count < mesh.total
        if begun or self.first == mesh.total:  # a point on a first pass is dear: the first picture does without
            for spot in map(tuple, self.spots()):
                row, column = int(spot[0]) // WIDTH, int(spot[1]) // WIDTH
                where = patch_slices(row, column, int(stride_pp[row, column]))
                fresh[spot] |= mesh.count_GG[spot] == 0
                # A spot stands on as many examples as its patch, so that the two can be compared.
                complete = bool((more[where] | (mesh.count_GG[where] == mesh.total)).all())
                more[spot] |= complete and mesh.count_GG[spot] < mesh.total
        more &= self.first < mesh.total
        return Round(tuple(patches), np.argwhere(fresh), np.argwhere(more))


def errors_of(mesh: Mesh, stride_pp: NDArray[np.int64]) -> Errors:
    """Estimate how far a drawn picture is off: straight lines between the points of each patch.

    The points that a patch's level added tell how far straight lines between those of the level before were off, at
    most D (at 5×5: of 3×3, in the quarter of the picture around the patch). That error falls to a quarter where the
    surface is smooth and to a half at a kink, so the patch's own is taken to be D/2; at the two coarsest levels, which
    may step over much, 3/2 D and 3/4 D. Cells that are known beyond the patch's spacing tell what it steps over: the
    error is at least three times what the picture misses there.

    Args:
        mesh: what is known.
        stride_pp: each patch's spacing.

    Returns:
        The errors; where nothing finite can be compared, 0.
    """
    error_pp = np.zeros((PATCHES, PATCHES))
    for row in range(PATCHES):
        for column in range(PATCHES):
            stride = int(stride_pp[row, column])
            if stride == WIDTH:
                top, left = (place // 2 * 2 * WIDTH for place in (row, column))
                where = slice(top, top + 2 * WIDTH + 1, stride), slice(left, left + 2 * WIDTH + 1, stride)
            else:
                where = patch_slices(row, column, stride)
            seen = UNSEEN.get(stride, SAFETY) * between(mesh.mean_GG[where])
            error_pp[row, column] = max(seen, SPOTTED * missed(mesh, row, column, stride))
    return Errors(error_pp, mesh.sampling_errors(stride_pp))


def missed(mesh: Mesh, row: int, column: int, stride: int) -> float:
    """Return by how much straight lines between a patch's points miss known cells between them, at most.

    Only cells that stand on as many examples as the patch count. With none, or none finite, it is 0.
    """
    around = patch_slices(row, column)
    values, counts = mesh.mean_GG[around], mesh.count_GG[around]
    inside = counts >= max(1, int(counts[::stride, ::stride].min()))
    inside[::stride, ::stride] = False
    at = np.argwhere(inside)
    if not at.size:
        return 0.0
    low = np.minimum(at // stride, WIDTH // stride - 1)
    share = (at - low * stride) / stride
    corners = values[::stride, ::stride]
    with np.errstate(invalid="ignore", over="ignore"):
        drawn = sum(
            np.where(i, share[:, 0], 1 - share[:, 0])
            * np.where(j, share[:, 1], 1 - share[:, 1])
            * corners[low[:, 0] + i, low[:, 1] + j]
            for i in (0, 1)
            for j in (0, 1)
        )
        off = np.abs(values[inside] - drawn)
    return float(np.max(off, initial=0.0, where=np.isfinite(off)))
