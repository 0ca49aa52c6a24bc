"""The tiles that tell a surface as it is known so far.

Shapes: p patches a side, m patches of this worker.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from backend.core.geometry.evaluate import Evaluator, Sample
from backend.core.geometry.grid import coordinates
from backend.core.geometry.mesh import PATCHES, SIDE, level_of, patch_slices
from backend.core.geometry.plane import Plane
from backend.core.geometry.refinement import Refinement
from backend.schemas.events import SurfaceTile


@dataclass(frozen=True, eq=False)
class Picture:
    """A surface's mesh as tiles, in the problem's number format."""

    refinement: Refinement
    plane: Plane
    where: Sample
    evaluator: Evaluator
    step: int | None
    point: int | None

    def known_pieces(self) -> float:
        """How many points of the resolution are known, each by its share of the examples."""
        finest = self.refinement.finest
        return float(self.refinement.mesh.count_GG[::finest, ::finest].sum()) / self.refinement.mesh.total

    def whole(self) -> Iterator[SurfaceTile]:
        """Yield the finest grid that is complete as one tile."""
        stride = int(self.refinement.strides().max())
        yield self._tile((slice(0, SIDE, stride), slice(0, SIDE, stride)), stride)

    def parts(self, patches: Sequence[tuple[int, int]]) -> Iterator[SurfaceTile]:
        """Yield a tile for each of some patches, or one where they make up the whole at one level."""
        stride_pp = self.refinement.state().stride_pp
        if len(patches) == PATCHES**2 and (stride_pp == stride_pp[0, 0]).all():
            yield from self.whole()
            return
        for row, column in patches:
            stride = int(stride_pp[row, column])
            yield self._tile(patch_slices(row, column, stride), stride)

    def _tile(self, where: tuple[slice, slice], stride: int) -> SurfaceTile:
        mesh, plane, state = self.refinement.mesh, self.plane, self.refinement.state()
        mine = self.refinement.mine_pp  # what is said of the picture is said of this worker's patches
        stride_m, span = state.stride_pp[mine], state.span
        problem = self.where.problem
        dtype = str(problem.dtype).removeprefix("torch.")
        axis_G = coordinates(SIDE, plane.extent).astype(dtype)
        # Shares of the training split; a problem without examples has nothing that could be missing.
        of = mesh.total if problem.train is None else len(problem.train)
        least, count = int(state.count_pp[mine].min()), int(mesh.count_GG[where].min())
        known = self.evaluator.additive and 1 < count < of
        even = bool((stride_m == stride_m[0]).all())
        bound = float(state.errors.both_pp[mine].max())
        return SurfaceTile(
            step=self.step,
            point=self.point,
            plane=plane.id,
            level=level_of(stride),
            a=axis_G[where[0]],
            b=axis_G[where[1]],
            loss=mesh.mean_GG[where].astype(dtype),
            stderr=mesh.stderr(where, of).astype(dtype) if known else None,
            bound=bound / span if span > 0 else (0.0 if np.isfinite(mesh.mean_GG).any() else None),
            data_fraction=count / of if self.where.data is not None or self.evaluator.additive else 1.0,
            final=even and level_of(stride) == self.refinement.resolution and least == mesh.total,
            coarsest=level_of(int(stride_m.max())),
            least_fraction=least / of,
            even=even,
            arithmetic=self.evaluator.format,
        )
