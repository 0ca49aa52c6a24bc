"""Surfaces against closed forms, a plain loop, and the symmetries they must have."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.core.analyses.base import Context, Moment, Path, Point, Tick
from backend.core.analyses.failures import NotFinite, Unsupported
from backend.core.analyses.registry import analysis_for
from backend.core.analyses.surface import SURFACE, draw_surface
from backend.core.geometry import refinement
from backend.core.geometry.fit import fit_plane
from backend.core.geometry.plane import Plane
from backend.core.problems.build import build_problem
from backend.core.problems.problem import BatchNormPolicy, Problem
from backend.schemas.analysis import CoordinatePlane, PcaPlane, RandomPlane, SurfaceAnalysis
from backend.schemas.events import Plane as PlaneEvent
from backend.schemas.events import Progress, ResolvedPoint, SurfaceTile
from backend.schemas.problem import DataProblem, FunctionProblem
from backend.schemas.problem.data import MoonsData
from backend.schemas.problem.function import QuadraticFunction
from backend.schemas.problem.model import MlpModel
from tests.cases import CPU, NETWORKS, PROBLEMS, build, over


def plane_of(problem: Problem, spec: RandomPlane | None = None, extent: float = 1.0) -> Plane:
    start = Moment(0, *problem.params0(0))
    plane = fit_plane(spec or RandomPlane(), problem, start, (), 0, extent=extent)
    assert plane is not None
    return plane


def draw(problem: Problem, plane: Plane, resolution: int = 9, fraction: float = 1.0) -> list[SurfaceTile]:
    spec = SurfaceAnalysis.model_validate({"resolution": resolution, "data_fraction": fraction})
    return [event for event in draw_surface(problem, plane, spec) if isinstance(event, SurfaceTile)]


DRAWABLE = [name for name in PROBLEMS if name != "sine-linear"]  # which has one weight, so no two random directions


@pytest.mark.parametrize("name", DRAWABLE)
@pytest.mark.parametrize(("dtype", "slack"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_the_centre_is_the_loss_there(name: str, dtype: torch.dtype, slack: float) -> None:
    problem = build(name, dtype)
    (tile,) = draw(problem, plane_of(problem), 5)
    loss = problem.loss(*problem.params0(0)).item()
    assert tile.loss.dtype == np.dtype(str(dtype).removeprefix("torch."))
    assert tile.loss[2, 2] == pytest.approx(loss, rel=slack, abs=slack)


@pytest.mark.parametrize("name", DRAWABLE)
def test_every_cell_equals_a_plain_loop(name: str) -> None:
    problem = build(name)
    plane = plane_of(problem, extent=0.7)
    tile = draw(problem, plane, 9)[-1]
    for i, a in enumerate(tile.a):
        for j, b in enumerate(tile.b):
            theta = plane.origin.params_P + float(a) * plane.u_P + float(b) * plane.v_P
            wanted = problem.loss(theta, plane.origin.buffers_B).item()
            assert tile.loss[i, j] == pytest.approx(wanted, rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("axes", [(0, 1), (3, 1)])
def test_a_quadratic_is_its_closed_form(axes: tuple[int, int]) -> None:
    spec = QuadraticFunction(condition=1000.0, start=(1.0, -2.0, 0.5, 1.5))
    problem = build_problem(FunctionProblem(function=spec), torch.float64, CPU)
    plane = fit_plane(CoordinatePlane(axes=axes), problem, Moment(0, *problem.params0(0)), (), 0)
    assert plane is not None
    tile = draw(problem, plane, 33)[-1]
    curvature = [1000 ** (k / 3) for k in range(4)]
    rest = sum(0.5 * curvature[k] * spec.start[k] ** 2 for k in range(4) if k not in axes)
    x = plane.axis_a.offset + plane.axis_a.scale * tile.a[:, None]
    y = plane.axis_b.offset + plane.axis_b.scale * tile.b[None, :]
    wanted = rest + 0.5 * curvature[axes[0]] * x**2 + 0.5 * curvature[axes[1]] * y**2
    np.testing.assert_allclose(tile.loss, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", DRAWABLE)
def test_swapping_directions_transposes(name: str) -> None:
    problem = build(name)
    plane = plane_of(problem)
    swapped = replace(plane, u_P=plane.v_P, v_P=plane.u_P)
    one, other = draw(problem, plane)[-1], draw(problem, swapped)[-1]
    np.testing.assert_allclose(other.loss, one.loss.T, rtol=1e-12)


@dataclass
class Counting:
    """A problem's outputs, and every point they were asked for."""

    problem: Problem
    points: list[bytes]
    spoil: Callable[[Tensor], bool] = lambda params_P: False
    model: None = None  # so that its outputs are asked for at every point

    def __getattr__(self, name: str) -> object:
        return getattr(self.problem, name)

    def outputs(self, params_P: Tensor, buffers_B: Tensor, x: Tensor, batchnorm: BatchNormPolicy = "frozen") -> Tensor:
        self.points.append(params_P.numpy().tobytes())
        outputs = self.problem.outputs(params_P, buffers_B, x, batchnorm)
        return outputs * math.nan if self.spoil(params_P) else outputs


def test_each_point_is_evaluated_once_and_levels_agree_exactly() -> None:
    counting = Counting(build("blobs-tanh"), [])
    tiles = draw(counting, plane_of(counting.problem), 33)  # type: ignore[arg-type]
    assert len(counting.points) == len(set(counting.points)) == 33**2
    assert (tiles[0].level, tiles[-1].level) == (5, 33)
    assert [tile.final for tile in tiles] == [False] * (len(tiles) - 1) + [True]
    whole = tiles[-1]
    for tile in tiles:
        rows, columns = (np.searchsorted(whole.a, axis) for axis in (tile.a, tile.b))
        assert np.array_equal(whole.a[rows], tile.a)
        assert np.array_equal(whole.loss[np.ix_(rows, columns)], tile.loss)


@pytest.mark.parametrize("name", ["digits-tanh", "cnn-group", "himmelblau"])
def test_the_order_of_refinement_changes_no_value(name: str) -> None:
    problem = build(name, torch.float32)
    plane = plane_of(problem)
    whole = draw(problem, plane, 17)[-1]
    for resolution, stride in ((5, 4), (9, 2)):
        assert np.array_equal(draw(problem, plane, resolution)[-1].loss, whole.loss[::stride, ::stride])


@pytest.mark.parametrize("name", ["digits-tanh", "cnn-group", "himmelblau"])
@pytest.mark.parametrize("order", ["backwards", "at random", "examples first", "examples last"])
def test_patches_in_any_order_make_the_same_surface(name: str, order: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which patch comes next, and whether points or examples, is what errors say: so let them say something else."""
    problem = build(name, torch.float32)
    plane = plane_of(problem)
    monkeypatch.setattr(refinement, "CHEAP", 0)
    monkeypatch.setattr(refinement, "FEWEST", 8)
    usual, right, random = draw(problem, plane, 17), refinement.errors_of, np.random.default_rng(3)

    def other(*args: Any) -> refinement.Errors:
        found = right(*args)
        between, missing = found.interpolation_pp, found.sampling_pp
        if order == "backwards":
            return refinement.Errors(1 / (1e-12 + between), 1 / (1e-12 + missing))
        if order == "at random":
            return refinement.Errors(random.random(between.shape), random.random(between.shape))
        return refinement.Errors(between, missing + 1e9 if order == "examples first" else 0 * missing)

    monkeypatch.setattr(refinement, "errors_of", other)
    mixed = draw(problem, plane, 17)
    if name != "himmelblau" or not order.startswith("examples"):  # a function has none
        assert [tile.bound for tile in mixed] != [tile.bound for tile in usual]
    assert np.array_equal(mixed[-1].loss, usual[-1].loss)


def test_holes_stay_holes() -> None:
    problem = build("blobs-tanh")
    plane = plane_of(problem)
    hole = plane.embed(0.5, -1.0)
    counting = Counting(problem, [], spoil=lambda params_P: torch.equal(params_P, hole))
    tiles = draw(counting, plane, 9)  # type: ignore[arg-type]
    for tile, (i, j) in ((tiles[0], (3, 0)), (tiles[-1], (6, 0))):
        assert np.argwhere(np.isnan(tile.loss)).tolist() == [[i, j]]
    assert tiles[-1].bound is not None
    assert math.isfinite(tiles[-1].bound)


def test_infinite_losses_are_kept() -> None:
    problem = build("rosenbrock", torch.float32)
    start = Moment(0, *problem.params0(0))
    far = torch.tensor([1e15, 0.0])
    tile = draw(problem, Plane("random", start, far, torch.tensor([0.0, 1.0])), 5)[-1]
    assert np.isinf(tile.loss[[0, 1, 3, 4]]).all()
    assert np.isfinite(tile.loss[2]).all()


@over(NETWORKS)
def test_parameters_and_buffers_are_bit_identical_afterwards(name: str) -> None:
    problem = build(name, torch.float32)
    plane = plane_of(problem)
    tensors = (plane.origin.params_P, plane.origin.buffers_B, plane.u_P, plane.v_P)
    before = [tensor.clone() for tensor in tensors]
    draw(problem, plane, 5)
    draw(problem, plane, 5, 0.5)
    assert all(torch.equal(now, was) for now, was in zip(tensors, before, strict=True))


@pytest.mark.parametrize("each", [False, True], ids=["one factor", "a factor a unit"])
def test_rescaling_a_relu_pair_by_one_scalar_leaves_the_filter_normalised_surface(each: bool) -> None:
    """A factor for each unit does not: the next layer's filters are then no multiples of what they were."""
    spec = DataProblem(data=MoonsData(examples=30), model=MlpModel(hidden=(8, 6), activation="relu"))
    problem = build_problem(spec, torch.float64, CPU)
    params_P, buffers_B = problem.params0(0)
    factors_H = torch.linspace(0.5, 7.0, 8, dtype=torch.float64) if each else torch.full((8,), 7.0).double()
    scaled_P = params_P.clone()
    for vector_P, alpha_H in ((params_P, torch.ones(8, dtype=torch.float64)), (scaled_P, factors_H)):
        views = problem.layout.unflatten(vector_P)
        for name, w in views.items():
            if w.dim() == 1:
                w.zero_()
            elif name == "0.weight":
                w.mul_(alpha_H.unsqueeze(1))
            elif name == "2.weight":
                w.div_(alpha_H)
    losses = [float(problem.loss(p, buffers_B)) for p in (params_P, scaled_P)]
    assert losses[0] == pytest.approx(losses[1], abs=1e-12)  # the function is the same either way
    off = {}
    for normalization in ("filter", "none"):
        spec_ = RandomPlane(normalization=normalization)  # type: ignore[arg-type]
        planes = [fit_plane(spec_, problem, Moment(0, p, buffers_B), (), 0) for p in (params_P, scaled_P)]
        surfaces = [draw(problem, plane)[-1].loss for plane in planes if plane is not None]
        off[normalization] = np.abs(np.subtract(*surfaces)).max()
    assert off["none"] > 1e-3  # the normalisation is what does it
    assert off["filter"] > 1e-3 if each else off["filter"] < 1e-10


def test_a_share_of_the_data_comes_with_its_error() -> None:
    problem = build("digits-tanh")
    plane = plane_of(problem)
    part, whole = draw(problem, plane, 5, 0.5)[-1], draw(problem, plane, 5)[-1]
    assert part.data_fraction == 0.5
    assert part.stderr is not None
    assert whole.stderr is None
    assert (np.abs(part.loss - whole.loss) < 4 * part.stderr).all()


def test_the_pieces_of_the_ticks_add_up_to_the_points() -> None:
    for name in ("digits-tanh", "himmelblau", "cnn-batch"):
        problem = build(name)
        work = draw_surface(problem, plane_of(problem), SurfaceAnalysis(resolution=9))
        assert sum(event.pieces for event in work if isinstance(event, Tick)) == pytest.approx(81)


def test_closing_early_leaves_whole_tiles() -> None:
    problem = build("blobs-tanh")
    seen = []
    work = draw_surface(problem, plane_of(problem), SurfaceAnalysis(resolution=33))
    for event in work:
        if isinstance(event, SurfaceTile):
            seen.append(event)
        if len(seen) == 2:
            work.close()  # type: ignore[attr-defined]
    assert seen[0].loss.shape == (5, 5)
    assert not seen[1].final
    assert all(np.isfinite(tile.loss).all() for tile in seen)


# The analysis on its own


class Shelf:
    """Keeps planes."""

    def __init__(self) -> None:
        self.planes: dict[str, tuple[Moment, Tensor, Tensor]] = {}

    def snapshot(self, lane: str, repeat: int, moment: Moment) -> None: ...
    def thin(self, lane: str, repeat: int, steps: object) -> None: ...
    def checkpoint(self, state: object) -> None: ...
    def plane(self, plane: str, origin: Moment, u_P: Tensor, v_P: Tensor, about: object = None) -> None:
        self.planes[plane] = (origin, u_P, v_P)


def point(moment: Moment, paths: tuple[Path, ...] = ()) -> Point:
    return Point(ResolvedPoint(run="r", lane="SGD", step=moment.step), moment, paths)


def run(problem: Problem, spec: SurfaceAnalysis, *points: Point, keeper: Shelf | None = None) -> list[object]:
    ctx = Context(seed=4, points=points, keeper=keeper or Shelf())
    return [event for event in SURFACE.run(problem, spec, ctx) if not isinstance(event, Tick | Progress)]


def test_without_points_it_works_at_the_seed_s_initial_point() -> None:
    problem, shelf = build("digits-tanh"), Shelf()
    started, plane, *tiles = run(problem, SurfaceAnalysis(resolution=9), keeper=shelf)
    assert started.kind == "started"  # type: ignore[attr-defined]
    assert isinstance(plane, PlaneEvent)
    origin, u_P, v_P = shelf.planes[plane.plane]
    assert torch.equal(origin.params_P, problem.params0(4)[0])
    assert (plane.u_norm, plane.v_norm) == pytest.approx((u_P.norm().item(), v_P.norm().item()))
    assert [(tile.level, tile.final) for tile in (tiles[0], tiles[-1])] == [(5, False), (9, True)]  # type: ignore[attr-defined]
    loss = problem.loss(origin.params_P, origin.buffers_B).item()
    assert tiles[-1].loss[4, 4] == pytest.approx(loss, rel=1e-12)  # type: ignore[attr-defined]


def test_each_point_has_its_plane_and_tiles() -> None:
    problem = build("blobs-tanh")
    moments = [Moment(step, *problem.params0(seed)) for step, seed in ((0, 0), (10, 1))]
    events = run(problem, SurfaceAnalysis(resolution=5), *(point(moment) for moment in moments))[1:]
    assert [(e.kind, e.point, e.step) for e in events] == [  # type: ignore[attr-defined]
        ("plane", 0, 0), ("surface_tile", 0, 0), ("plane", 1, 10), ("surface_tile", 1, 10),
    ]  # fmt: skip
    for moment, tile in zip(moments, events[1::2], strict=True):
        loss = problem.loss(moment.params_P, moment.buffers_B).item()
        assert tile.loss[2, 2] == pytest.approx(loss, rel=1e-12)  # type: ignore[attr-defined]


def test_a_pca_plane_is_one_for_all_the_points_paths() -> None:
    problem = build("blobs-tanh")
    paths = [
        Path(lane, 0, tuple(Moment(k, *problem.params0(3 * n + k)) for k in range(3))) for n, lane in enumerate("ab")
    ]
    events = run(problem, SurfaceAnalysis(plane=PcaPlane(), resolution=5), *(point(p.moments[-1], (p,)) for p in paths))
    plane, tile = events[1:]
    assert isinstance(plane, PlaneEvent)
    assert plane.plane == fit_plane(PcaPlane(), problem, paths[0].moments[0], paths, 4).id  # type: ignore[union-attr]
    assert isinstance(tile, SurfaceTile)


def test_a_pca_plane_of_one_moment_is_unsupported() -> None:
    problem = build("blobs-tanh")
    with pytest.raises(Unsupported, match="at least two finite moments that differ, and there are 1"):
        run(problem, SurfaceAnalysis(plane=PcaPlane()))


def test_a_point_that_is_not_finite_is_an_error() -> None:
    problem = build("blobs-tanh")
    params_P, buffers_B = problem.params0(0)
    with pytest.raises(NotFinite, match="step 7"):
        run(problem, SurfaceAnalysis(), point(Moment(7, params_P * math.nan, buffers_B)))


def test_progress_counts_every_evaluation() -> None:
    events = SURFACE.run(build("saddle"), SurfaceAnalysis(resolution=17), Context(seed=0))
    progress = [event for event in events if isinstance(event, Progress)]
    assert progress[-1].total == 17**2
    assert len(progress) <= 60
    assert [event.done for event in progress] == sorted({event.done for event in progress})


def test_the_registry_knows_it_and_the_planes_it_cannot_have() -> None:
    spec = SurfaceAnalysis(plane=CoordinatePlane(axes=(0, 5)))
    assert analysis_for(spec) is SURFACE
    assert "variable 5" in str(SURFACE.unsupported(build("saddle"), spec))
    assert SURFACE.unsupported(build("saddle"), SurfaceAnalysis()) is None
