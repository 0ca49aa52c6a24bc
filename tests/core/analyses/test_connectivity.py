"""Paths between two points: barriers that are known, permuted copies, trained curves, halved nets, refusals."""

import numpy as np
import pytest
import torch

from backend.core.analyses.base import Context, Moment, Point
from backend.core.analyses.failures import NotFinite, Unsupported
from backend.core.analyses.registry import analysis_for
from backend.core.geometry.halves import halved
from backend.core.geometry.permutation import permuted, permuted_buffers, random_permutations
from backend.core.problems.build import build_problem
from backend.schemas.analysis import ConnectivityAnalysis
from backend.schemas.events import Barrier, Event, PathPoints, Plane, ResolvedPoint, Started, SurfaceTile
from backend.schemas.problem import DataProblem, FunctionProblem
from backend.schemas.problem.data import ChebyshevData, DigitsData
from backend.schemas.problem.function import SaddleFunction, ScalarNetworkFunction
from backend.schemas.problem.loss import MseLoss
from backend.schemas.problem.model import CnnModel, MlpModel, ResNetModel
from tests.cases import CPU

DIGITS = DigitsData(examples=120)
NETS = {
    "mlp": MlpModel(hidden=(16, 12), activation="relu"),
    "cnn": CnnModel(channels=(4, 6)),
    "cnn-batch": CnnModel(channels=(4, 6), norm="batch"),
    "resnet-group": ResNetModel(channels=(4, 6), blocks=2, groups=2),
    "resnet-batch": ResNetModel(channels=(3, 4), norm="batch"),
}


def trained(problem, steps=25, seed=0):
    """A moment away from the beginning: a few steps of Adam."""
    params, buffers = problem.params0(seed)
    params, buffers = params.clone().requires_grad_(), buffers.clone()
    adam = torch.optim.Adam([params], lr=0.01)
    for _ in range(steps):
        adam.zero_grad()
        problem.batch_loss(params, buffers, problem.train.x, problem.train.y).backward()
        adam.step()
    return Moment(steps, params.detach(), buffers)


def copied(problem, moment, seed=1):
    perms = random_permutations(problem.units, torch.Generator().manual_seed(seed))
    return Moment(
        moment.step,
        permuted(moment.params_P, problem.layout, problem.units, perms),
        permuted_buffers(moment.buffers_B, problem.buffer_layout, problem.units, perms),
    )


def told(problem, spec, *moments, seed=0):
    assert analysis_for(spec).unsupported(problem, spec) is None
    points = tuple(Point(ResolvedPoint(run="r", lane="SGD", step=moment.step), moment) for moment in moments)
    events = [e for e in analysis_for(spec).run(problem, spec, Context(seed, points)) if isinstance(e, Event)]
    assert isinstance(events[0], Started)
    return [event for event in events if isinstance(event, Barrier)]


def only(events, path, split):
    (found,) = [e for e in events if (e.path, e.split, e.final) == (path, split, True)]
    return found


@pytest.mark.parametrize("matching", ["weights", "activations"])
@pytest.mark.parametrize("name", NETS)
def test_a_permuted_copy_has_a_barrier_that_matching_takes_away(name, matching):
    problem = build_problem(DataProblem(data=DIGITS, model=NETS[name]), torch.float64, CPU)
    here = trained(problem)
    there = copied(problem, here)
    before = here.params_P.clone()
    events = told(problem, ConnectivityAnalysis(matching=matching, points=5), here, there)
    # By its values a unit that is silent on every training example cannot be told, and on the test split it may speak.
    for split in ("train", "test") if matching == "weights" else ("train",):
        naive, matched = only(events, "linear", split), only(events, "matched", split)
        assert naive.loss[0] == pytest.approx(naive.loss[-1], abs=1e-6)  # the copy's function is the same
        assert naive.barrier > 0.01
        assert matched.barrier < 1e-6
        assert matched.distance < naive.distance
        if matching == "weights":  # every unit has been found again
            assert matched.distance < 1e-6 < 0.1 < naive.distance
        assert 0 < matched.moved <= 1
        assert naive.moved is None
        np.testing.assert_array_equal(matched.accuracy, np.full(5, matched.accuracy[0]))
    assert torch.equal(here.params_P, before)


def test_loss_and_accuracy_are_the_problems_own_along_the_line():
    problem = build_problem(DataProblem(data=DIGITS, model=NETS["mlp"]), torch.float64, CPU)
    a, b = trained(problem), trained(problem, seed=5)
    for split, data in (("train", problem.train), ("test", problem.test)):
        found = only(told(problem, ConnectivityAnalysis(path="linear", points=5), a, b), "linear", split)
        np.testing.assert_array_equal(found.t, [0, 0.25, 0.5, 0.75, 1])
        losses = []
        for t, loss, accuracy in zip(found.t, found.loss, found.accuracy, strict=True):
            params = (1 - t) * a.params_P + t * b.params_P
            out = problem.outputs(params, a.buffers_B, data.x)
            losses.append(float(torch.nn.functional.cross_entropy(out, data.y)))
            assert loss == pytest.approx(losses[-1], abs=1e-12)
            assert accuracy == (out.argmax(1) == data.y).double().mean()
        rise = [loss - ((1 - t) * losses[0] + t * losses[-1]) for t, loss in zip(found.t, losses, strict=True)]
        assert found.barrier == pytest.approx(max(rise), abs=1e-12)
        assert found.peak == found.t[int(np.argmax(rise))]
        assert found.height == pytest.approx(losses[int(np.argmax(rise))], abs=1e-12)
        assert found.distance == pytest.approx(float((a.params_P - b.params_P).norm()))


def test_matching_lowers_the_barrier_of_two_nets():
    problem = build_problem(
        DataProblem(data=DIGITS, model=MlpModel(hidden=(64, 64), activation="relu")), torch.float64, CPU
    )
    a, b = trained(problem), trained(problem, seed=5)
    events = told(problem, ConnectivityAnalysis(points=9), a, b)
    naive, matched = only(events, "linear", "train"), only(events, "matched", "train")
    assert matched.barrier < 0.5 * naive.barrier
    assert matched.distance < naive.distance


@pytest.mark.parametrize("path", ["bezier", "chain"])
def test_a_trained_curve_goes_around_a_hill(path):
    """½(xy − 1)² is 0 along xy = 1, and 0.158 half-way between (2, ½) and (½, 2)."""
    problem = build_problem(FunctionProblem(function=ScalarNetworkFunction()), torch.float64, CPU)
    ends = [torch.tensor(place, dtype=torch.float64) for place in ((2.0, 0.5), (0.5, 2.0))]
    a, b = (Moment(0, place, torch.zeros(0, dtype=torch.float64)) for place in ends)
    spec = ConnectivityAnalysis(path=path, beside=("linear",), bends=3, steps=300, lr=0.03, points=21, surface=False)
    events = told(problem, spec, a, b)
    line, curve = only(events, "linear", "train"), only(events, path, "train")
    assert line.accuracy is None
    assert line.barrier == pytest.approx(0.5 * (1.25**2 - 1) ** 2, abs=1e-12)
    assert curve.barrier < 0.1 * line.barrier
    early = [e for e in events if e.path == path and not e.final]
    assert len(early) == 4
    assert curve.loss[0] == line.loss[0]
    assert curve.loss[-1] == line.loss[-1]


def test_a_known_barrier_of_a_function():
    """f = ½x² − ½y² + ¼y⁴ between its minima (0, ±1): −¼ at both, 0 half-way."""
    problem = build_problem(FunctionProblem(function=SaddleFunction()), torch.float64, CPU)
    a, b = (Moment(0, torch.tensor([0.0, y], dtype=torch.float64), torch.zeros(0)) for y in (1.0, -1.0))
    found = only(told(problem, ConnectivityAnalysis(path="linear", points=5), a, b), "linear", "train")
    assert found.barrier == pytest.approx(0.25, abs=1e-12)
    assert found.peak == 0.5
    assert [e.split for e in told(problem, ConnectivityAnalysis(path="linear"), a, b)] == ["train"]


def test_a_trained_curve_between_nets_stays_low():
    problem = build_problem(DataProblem(data=DIGITS, model=NETS["resnet-batch"]), torch.float32, CPU)
    a, b = trained(problem), trained(problem, seed=5)
    events = told(problem, ConnectivityAnalysis(path="bezier", steps=60, points=5, surface=False), a, b)
    assert only(events, "bezier", "train").barrier < only(events, "linear", "train").barrier


def test_the_plane_of_a_curve_holds_both_ends_and_the_curve():
    problem = build_problem(DataProblem(data=DIGITS, model=NETS["mlp"]), torch.float64, CPU)
    a, b = trained(problem, 5), trained(problem, 5, seed=5)
    points = tuple(Point(ResolvedPoint(run="r", lane="SGD", step=5), moment) for moment in (a, b))
    spec = ConnectivityAnalysis(path="bezier", beside=(), steps=20, points=5, resolution=5)
    events = list(analysis_for(spec).run(problem, spec, Context(0, points)))
    (plane,) = [event for event in events if isinstance(event, Plane)]
    curve, line = [event for event in events if isinstance(event, PathPoints)]
    (tile,) = [event for event in events if isinstance(event, SurfaceTile)]
    assert plane.plane == curve.plane == line.plane == tile.plane
    assert np.abs(curve.off_plane).max() < 1e-9  # a quadratic curve lies in it
    for way in (curve, line):
        np.testing.assert_allclose(way.a[[0, -1]], curve.a[[0, -1]], atol=1e-12)
        np.testing.assert_allclose(way.b[[0, -1]], [-0.8, -0.8], atol=1e-9)
    assert curve.b[2] > line.b[2] + 0.1
    without = ConnectivityAnalysis(path="bezier", beside=(), steps=5, points=5, surface=False)
    assert not [e for e in analysis_for(without).run(problem, without, Context(0, points)) if isinstance(e, Plane)]


def doubled(problem, moment):
    """Every unit of the second half of each group made a copy of one in the first, read half as much each."""
    tensors = problem.layout.unflatten(moment.params_P.clone())
    buffers = problem.buffer_layout.unflatten(moment.buffers_B.clone()) if problem.buffer_layout.entries else {}
    for group in problem.units:
        half = group.size // 2
        for axis in group.axes:
            parted = tensors[axis.tensor].unflatten(axis.axis, (group.size, axis.repeat)).movedim(axis.axis, 0)
            parted[half:] = parted[:half]
        for name in group.buffers:
            buffers[name][half:] = buffers[name][:half]
    flat = torch.cat([tensor.flatten() for tensor in tensors.values()])
    running = [tensor.flatten() for tensor in buffers.values()]
    return Moment(moment.step, flat, torch.cat(running) if running else moment.buffers_B)


@pytest.mark.parametrize("name", NETS)
def test_of_doubled_units_half_can_go(name):
    problem = build_problem(DataProblem(data=DIGITS, model=NETS[name]), torch.float64, CPU)
    there_twice = doubled(problem, trained(problem))
    mixed = copied(problem, there_twice)  # the pairs lie anywhere
    events = told(problem, ConnectivityAnalysis(path="dropout", beside=(), points=5, batchnorm="frozen"), mixed)
    for found in events:
        assert found.point == 0
        assert abs(found.loss[-1] - found.loss[0]) < 1e-10
        assert found.barrier < 1e-10
    half = halved(mixed.params_P, problem.layout, problem.units)
    last = problem.layout.unflatten(half)[problem.layout.entries[-2][0]]
    assert (last.abs().sum(0) == 0).double().mean() == 0.5  # half of what the last layer reads is silent


def test_halving_a_net_without_doubles_costs():
    problem = build_problem(DataProblem(data=DIGITS, model=NETS["mlp"]), torch.float64, CPU)
    events = told(problem, ConnectivityAnalysis(path="dropout", beside=(), points=5), trained(problem))
    assert only(events, "dropout", "train").loss[-1] > only(events, "dropout", "train").loss[0] + 0.01


def test_points_that_no_path_joins_are_refused_with_a_sentence():
    problem = build_problem(DataProblem(data=DIGITS, model=NETS["mlp"]), torch.float64, CPU)
    here = Moment(0, *problem.params0(0))
    spec = ConnectivityAnalysis(path="linear")
    with pytest.raises(Unsupported, match="two points, its ends, and 1 came"):
        told(problem, spec, here)
    with pytest.raises(Unsupported, match="and 3 came"):
        told(problem, spec, here, here, here)
    with pytest.raises(NotFinite, match="point 2, at step 7, are not finite"):
        told(problem, spec, here, Moment(7, here.params_P * float("nan"), here.buffers_B))
    with pytest.raises(Unsupported, match="1,374 and 1,373 parameters: there is no path between networks"):
        told(problem, spec, here, Moment(0, here.params_P[1:], here.buffers_B))


def test_what_has_no_units_cannot_be_matched():
    function = build_problem(FunctionProblem(function=SaddleFunction()), torch.float64, CPU)
    linear = build_problem(
        DataProblem(data=ChebyshevData(), model=MlpModel(hidden=()), loss=MseLoss()), torch.float64, CPU
    )
    spec = ConnectivityAnalysis()
    for problem in (function, linear):
        assert "hidden units" in analysis_for(spec).unsupported(problem, spec)
        assert analysis_for(spec).unsupported(problem, ConnectivityAnalysis(path="bezier")) is None


def test_the_same_seed_tells_the_same():
    problem = build_problem(DataProblem(data=DIGITS, model=NETS["mlp"]), torch.float32, CPU)
    a, b = trained(problem, 5), trained(problem, 5, seed=5)
    spec = ConnectivityAnalysis(path="chain", bends=2, steps=10, points=5, beside=("matched",), surface=False)
    first, again = told(problem, spec, a, b), told(problem, spec, a, b)
    for one, two in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.loss, two.loss)
