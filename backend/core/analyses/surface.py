"""The loss on a plane: coarse and on a part of the data first, then finer and on all of it.

Shapes: n, m points a side of a tile.
"""

from collections.abc import Generator, Sequence

from backend.core.analyses.base import ALIVE, Context, Events, Point, Tick
from backend.core.analyses.places import lay_plane, points_of, started, with_progress
from backend.core.analyses.trajectory import trace_paths
from backend.core.geometry.evaluate import Evaluator, sample, unsupported_arithmetic
from backend.core.geometry.fit import unsupported_plane
from backend.core.geometry.grid import coordinates
from backend.core.geometry.mesh import SIDE, Cells, Mesh, share_of_patches
from backend.core.geometry.picture import Picture
from backend.core.geometry.plane import Plane
from backend.core.geometry.recall import recalled
from backend.core.geometry.refinement import Refinement, first_pass
from backend.core.problems.problem import Problem
from backend.schemas.analysis import KeptPlane, PcaPlane, SurfaceAnalysis, ThreePointsPlane


def draw_surface(
    problem: Problem,
    plane: Plane,
    spec: SurfaceAnalysis,
    *,
    step: int | None = None,
    point: int | None = None,
    tune: bool = False,
    part: int = 0,
    parts: int = 1,
) -> Events:
    """Evaluate f(a, b) = L(origin + a·u + b·v), refined where the picture may be most wrong.

    The picture begins with 5×5 points on a part of the data. Its 4×4 patches are then refined, those with the largest
    estimated error first: the spacing is halved, or the rest of the data is added (see ``Refinement``). In the end
    every point has been evaluated once on every example, resolution² losses in all. The order changes no value. A value
    that is not finite stays what it is.

    Li et al. 2018, Visualizing the loss landscape of neural nets.

    Args:
        problem: whose loss.
        plane: where; its extent and its BatchNorm policy hold.
        spec: the resolution, the share of the data, the number format.
        step: of the race, for a probe.
        point: index of the point, for a stand-alone analysis.
        tune: whether timing may choose how the points are evaluated, and what was evaluated before may be reused.
        part: which share of the patches is refined here, where the work is split; all begin with the same 5×5 points.
        parts: into how many shares.

    Yields:
        ``SurfaceTile`` events as parts of the picture change, at last the whole of it; ticks whose pieces add up to
        resolution².
    """
    where = sample(problem, spec.data_fraction, plane.batchnorm)
    evaluator = Evaluator(where, plane.span, tune=tune, arithmetic=spec.arithmetic)
    total = evaluator.examples
    first = first_pass(total, evaluator.products) if evaluator.additive else total
    axis = coordinates(SIDE, plane.extent).tolist()

    def evaluated(cells: Cells, start: int, stop: int) -> Generator[Tick, None, None]:
        points = [(axis[i], axis[j]) for i, j in cells]
        mesh.add(cells, (yield from evaluator.tally(points, start, stop)))

    mesh = Mesh(total)
    if tune and parts == 1:
        mesh = yield from recalled(plane, where, evaluator, spec.arithmetic, mesh)
    refinement = Refinement(mesh, spec.resolution, first, share_of_patches(part, parts))
    picture = Picture(refinement, plane, where, evaluator, step, point)
    yield Tick(picture.known_pieces())
    if (todo := refinement.next()) is None or not todo.fresh.size:
        yield from picture.whole()
    while todo is not None:
        if todo.fresh.size:
            yield from evaluated(todo.fresh, 0, first)
        if todo.more.size:
            yield from evaluated(todo.more, first, total)
        patches, todo = todo.patches, refinement.next()
        yield from picture.whole() if todo is None and parts == 1 else picture.parts(patches)


class Surface:
    """Draws one surface at each point; where the plane is one for all points, or paths are asked for, a single one."""

    def unsupported(self, problem: Problem, spec: SurfaceAnalysis) -> str | None:
        """Return None, or why this problem has no such surface."""
        return (
            unsupported_plane(spec.plane, problem)
            or unsupported_arithmetic(spec.arithmetic, problem)
            or problem.check_deterministic()
        )

    def run(self, problem: Problem, spec: SurfaceAnalysis, ctx: Context) -> Events:
        """Yield for each point its plane, the paths on it where they are asked for, then its tiles.

        Raises:
            NotFinite: where a point is not finite.
            Unsupported: where the points give no such plane.
        """
        points = points_of(problem, ctx)
        together = spec.paths or isinstance(spec.plane, PcaPlane | ThreePointsPlane | KeptPlane)
        groups = [points] if together else [(point,) for point in points]
        yield started(problem, points)
        work = self._draw(problem, spec, ctx, groups)
        yield from with_progress(work, "surface", len(groups) * spec.resolution**2)

    def _draw(self, problem: Problem, spec: SurfaceAnalysis, ctx: Context, groups: Sequence[Sequence[Point]]) -> Events:
        for index, points in enumerate(groups):
            plane = yield from lay_plane(
                problem, spec.plane, points, ctx,
                extent=spec.extent, batchnorm=spec.batchnorm, data_fraction=spec.data_fraction,
            )  # fmt: skip
            yield plane.event(plane.origin.step, index)
            if spec.paths and ctx.part == 0:
                for event in trace_paths(problem, plane, points, spec.data_fraction, spec.batchnorm):
                    yield ALIVE if isinstance(event, Tick) else event
            yield from draw_surface(
                problem, plane, spec,
                step=plane.origin.step, point=index, tune=ctx.tune, part=ctx.part, parts=ctx.parts,
            )  # fmt: skip


SURFACE = Surface()
