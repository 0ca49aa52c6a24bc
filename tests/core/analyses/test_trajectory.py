"""Paths on a plane: places, true losses and distances off it."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.core.analyses.base import Context, Moment, Path, Point, Tick
from backend.core.analyses.failures import NotFinite, Unsupported
from backend.core.analyses.registry import analysis_for
from backend.core.analyses.trajectory import ROWS, TRAJECTORY
from backend.core.geometry.fit import fit_plane
from backend.core.problems.problem import Problem
from backend.schemas.analysis import CoordinatePlane, PcaPlane, RandomPlane, TrajectoryAnalysis
from backend.schemas.events import PathPoints, Progress, ResolvedPoint
from backend.schemas.events import Plane as PlaneEvent
from tests.cases import build


def walk(problem: Problem, lane: str, steps: int, lr: float = 0.2) -> Path:
    """Plain gradient descent."""
    params_P, buffers_B = problem.params0(0)
    moments = [Moment(0, params_P.clone(), buffers_B)]
    for step in range(1, steps + 1):
        theta = moments[-1].params_P.clone().requires_grad_()
        (grad_P,) = torch.autograd.grad(problem.loss(theta, buffers_B), theta)
        moments.append(Moment(step, (theta - lr * grad_P).detach(), buffers_B))
    return Path(lane, 0, tuple(moments))


def point(*paths: Path) -> Point:
    moment = paths[0].moments[-1]
    return Point(ResolvedPoint(run="r", lane=None, step=moment.step), moment, paths)


def run(problem: Problem, spec: TrajectoryAnalysis, *points: Point) -> tuple[PlaneEvent, list[PathPoints]]:
    events = [e for e in TRAJECTORY.run(problem, spec, Context(seed=2, points=points)) if not isinstance(e, Tick)]
    assert events[0].kind == "started"
    plane, *rest = events[1:]
    assert isinstance(plane, PlaneEvent)
    return plane, [event for event in rest if isinstance(event, PathPoints)]


def joined(events: list[PathPoints], column: str) -> np.ndarray:
    return np.concatenate([getattr(event, column) for event in events])


def test_rows_are_a_plain_projection_and_the_true_loss() -> None:
    problem = build("digits-tanh")
    paths = (walk(problem, "slow", 40, 0.1), walk(problem, "fast", 20, 0.5))
    plane_event, events = run(problem, TrajectoryAnalysis(), point(*paths))
    plane = fit_plane(PcaPlane(), problem, paths[0].moments[0], paths, 2)
    assert plane is not None
    assert plane_event.plane == plane.id
    assert {event.plane for event in events} == {plane.id}
    basis: Tensor = torch.stack([plane.u_P, plane.v_P], dim=1)
    for path in paths:
        mine = [event for event in events if event.lane == path.lane]
        assert joined(mine, "step").tolist() == [moment.step for moment in path.moments]
        for k, moment in enumerate(path.moments):
            delta = moment.params_P - plane.origin.params_P
            wanted = torch.linalg.lstsq(basis, delta[:, None]).solution[:, 0]
            assert joined(mine, "a")[k] == pytest.approx(wanted[0].item(), abs=1e-10)
            assert joined(mine, "b")[k] == pytest.approx(wanted[1].item(), abs=1e-10)
            off = (delta - basis @ wanted).norm().item()
            assert joined(mine, "off_plane")[k] == pytest.approx(off, abs=1e-10)
            loss = problem.loss(moment.params_P, moment.buffers_B).item()
            assert joined(mine, "loss")[k] == pytest.approx(loss, rel=1e-12)


def test_long_paths_come_in_pieces() -> None:
    problem = build("saddle")
    _, events = run(problem, TrajectoryAnalysis(), point(walk(problem, "one", 2 * ROWS)))
    assert [len(event.step) for event in events] == [ROWS, ROWS, 1]


def test_coordinates_are_the_variables_themselves() -> None:
    problem = build("rosenbrock")
    path = walk(problem, "one", 10, 1e-3)
    plane, events = run(problem, TrajectoryAnalysis(plane=CoordinatePlane()), point(path))
    shown = [
        axis.offset + axis.scale * joined(events, column)
        for axis, column in ((plane.axis_a, "a"), (plane.axis_b, "b"))
    ]  # fmt: skip
    wanted = torch.stack([moment.params_P for moment in path.moments]).numpy()
    np.testing.assert_allclose(np.stack(shown, axis=1), wanted, rtol=0, atol=1e-12)
    np.testing.assert_allclose(joined(events, "off_plane"), 0.0, atol=1e-12)


def test_points_keep_their_paths_apart_on_one_plane() -> None:
    problem = build("moons-relu-kaiming")
    one, two = walk(problem, "SGD", 5), walk(problem, "SGD", 5, 0.4)
    plane, events = run(problem, TrajectoryAnalysis(), point(one), point(two))
    assert plane.point is None
    assert [(event.point, event.lane) for event in events] == [(0, "SGD"), (1, "SGD")]
    assert not np.array_equal(events[0].a, events[1].a)


def test_a_lone_point_is_a_path_of_one() -> None:
    problem = build("blobs-tanh")
    plane, (event,) = run(problem, TrajectoryAnalysis(plane=RandomPlane()))
    assert plane.kind_of_plane == "random"
    assert (event.step.tolist(), event.a.tolist(), event.b.tolist(), event.off_plane.tolist()) == ([0], [0], [0], [0])
    assert event.loss.tolist() == [problem.loss(*problem.params0(2)).item()]


def test_results_are_in_the_problem_s_number_format() -> None:
    problem = build("blobs-tanh", torch.float32)
    _, events = run(problem, TrajectoryAnalysis(), point(walk(problem, "one", 4)))
    assert {getattr(events[0], name).dtype.name for name in ("a", "b", "off_plane", "loss")} == {"float32"}
    assert events[0].step.dtype == np.int32


def test_a_moment_that_is_not_finite_has_neither_place_nor_loss() -> None:
    problem = build("blobs-tanh")
    path = walk(problem, "one", 3)
    lost = Moment(4, path.moments[-1].params_P * math.nan, path.moments[-1].buffers_B)
    _, (event,) = run(problem, TrajectoryAnalysis(), point(Path("one", 0, (*path.moments, lost))))
    for column in (event.a, event.b, event.off_plane, event.loss):
        assert np.isnan(column).tolist() == [False] * 4 + [True]


def test_what_cannot_be_is_said() -> None:
    problem = build("blobs-tanh")
    with pytest.raises(Unsupported, match="there are 1"):
        run(problem, TrajectoryAnalysis())
    params_P, buffers_B = problem.params0(0)
    lost = Path("one", 0, (Moment(3, params_P * math.inf, buffers_B),))
    with pytest.raises(NotFinite, match="step 3"):
        run(problem, TrajectoryAnalysis(plane=RandomPlane()), point(lost))
    assert "twice" in str(TRAJECTORY.unsupported(problem, TrajectoryAnalysis(plane=CoordinatePlane(axes=(1, 1)))))


def test_progress_counts_the_losses() -> None:
    problem = build("saddle")
    ctx = Context(seed=0, points=(point(walk(problem, "one", 99)),))
    progress = [event for event in TRAJECTORY.run(problem, TrajectoryAnalysis(), ctx) if isinstance(event, Progress)]
    assert (progress[-1].done, progress[-1].total) == (100, 100)
    assert analysis_for(TrajectoryAnalysis()) is TRAJECTORY
