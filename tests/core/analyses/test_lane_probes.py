"""Spectra and overlaps along a race, against dense matrices at every look."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.core.analyses.base import Context
from backend.core.curvature.blocks import layers
from backend.core.problems.losses import build_criterion
from backend.core.problems.mlp import Mlp
from backend.core.problems.network import NetworkProblem
from backend.core.problems.problem import Problem
from backend.core.problems.splits import Examples, Splits
from backend.schemas.events import AnyEvent, Eigenvalues, LaneEnded, Overlap, Progress, Spectrum
from backend.schemas.problem.loss import CrossEntropyLoss
from backend.schemas.problem.model import MlpModel
from tests.core.analyses.races import ADAM, BOWL, SGD, WILD, Kept, of, problem_of, race, told
from tests.fold import fold
from tests.oracles import hessian_of

SMALL = {
    "data": {"kind": "digits", "examples": 40},
    "model": {"kind": "mlp", "hidden": [3]},
    "loss": {"kind": "cross_entropy"},
}
OVERLAP = {"every": 4, "late": "wait", "analysis": {"kind": "overlap", "k": 3, "layers": True, "tol": 1e-5}}
SPECTRUM = {"every": 4, "late": "wait", "analysis": {"kind": "spectrum", "steps": 10, "probes": 2, "outliers": 3}}


@pytest.fixture(scope="module")
def raced() -> tuple[Problem, list[AnyEvent], Kept]:
    """One race of two lanes with both probes, every step kept."""
    request = race(
        SGD, ADAM, problem=SMALL, dtype="float64", steps=8, batch_size=20, probes=[OVERLAP, SPECTRUM], tune=False
    )
    kept, problem = Kept(), problem_of(request)
    return problem, told(request, Context(seed=0, keeper=kept), problem), kept


def dense(problem: Problem, kept: Kept, lane: str, step: int) -> tuple[Tensor, Tensor]:
    moment = kept.snapshots[lane, 0][step]
    params_P = moment.params_P.clone().requires_grad_(True)
    (grad_P,) = torch.autograd.grad(problem.loss(params_P, moment.buffers_B), params_P)
    return hessian_of(lambda at_P: problem.loss(at_P, moment.buffers_B), moment.params_P), grad_P


def share(V_PK: Tensor, vector_P: Tensor) -> float:
    return float((V_PK.T @ vector_P).square().sum() / vector_P.square().sum())


@pytest.mark.parametrize("lane", ["SGD", "Adam"])
def test_gradient_update_and_turning_are_those_of_the_dense_eigenspaces(raced: Any, lane: str) -> None:
    problem, events, kept = raced
    blocks = [(None, 0, problem.layout.size), *((layer.name, *layer[1:]) for layer in layers(problem.layout))]
    assert len(blocks) == 3
    for name, start, end in blocks:
        looks = of(Overlap, events, lane=lane, layer=name)
        assert [event.step for event in looks] == [0, 4, 8]
        before: Tensor | None = None
        for event in looks:
            hessian_PP, grad_P = dense(problem, kept, lane, event.step)
            top_PK = torch.linalg.eigh(hessian_PP[start:end, start:end]).eigenvectors[:, -3:]
            assert event.fraction == pytest.approx(share(top_PK, grad_P[start:end]), abs=1e-4)
            assert event.baseline == 3 / (end - start)
            assert event.converged
            if before is None:
                assert (event.update, event.previous) == (None, None)
            else:
                here, there = (kept.snapshots[lane, 0][event.step - back].params_P for back in (0, 1))
                assert event.update == pytest.approx(share(top_PK, (here - there)[start:end]), abs=1e-4)
                assert event.previous == pytest.approx(float((before.T @ top_PK).square().sum()) / 3, abs=1e-4)
            before = top_PK


def test_a_lane_s_outliers_and_density_are_told_at_every_look(raced: Any) -> None:
    problem, events, kept = raced
    for lane in ("SGD", "Adam"):
        for step in (0, 4, 8):
            values = of(Eigenvalues, events, lane=lane, step=step)
            exact = torch.linalg.eigvalsh(dense(problem, kept, lane, step)[0]).flip(0)[:3].numpy()
            assert [event.final for event in values] == [False] * (len(values) - 1) + [True]
            np.testing.assert_allclose(values[-1].values, exact, rtol=1e-3, atol=1e-3 * exact[0])
            densities = of(Spectrum, events, lane=lane, step=step)
            assert [event.probes for event in densities] == [1, 2]
            assert all(event.point is None for event in [*values, *densities])
            assert float(np.trapezoid(densities[-1].density, densities[-1].grid)) == pytest.approx(1.0, abs=1e-5)


def test_looks_do_not_speak_of_the_progress_of_the_race(raced: Any) -> None:
    _, events, _ = raced
    assert {event.phase for event in of(Progress, events)} == {"training"}


@pytest.mark.parametrize("probe", [OVERLAP, SPECTRUM], ids=["overlap", "spectrum"])
def test_the_same_seed_says_the_same(probe: dict[str, Any]) -> None:
    request = race(SGD, problem=SMALL, steps=6, probes=[probe], tune=False)
    assert fold(told(request)) == fold(told(request))


@pytest.mark.parametrize("probe", [OVERLAP, SPECTRUM], ids=["overlap", "spectrum"])
def test_a_lane_that_diverges_is_left_alone_and_the_others_go_on(probe: dict[str, Any]) -> None:
    request = race(WILD, SGD, problem=SMALL, steps=8, probes=[probe], tune=False, divergence=10.0)
    events = told(request)
    (end,) = of(LaneEnded, events, lane="Wild")
    assert end.reason == "diverged"
    looks = [event for event in events if isinstance(event, Overlap | Spectrum)]
    assert {event.step for event in looks if event.lane == "SGD"} == {0, 4, 8}
    assert max(event.step for event in looks if event.lane == "Wild") < end.step


def test_a_matrix_beside_the_other_two() -> None:
    probe = {"every": 9, "late": "wait", "analysis": {**SPECTRUM["analysis"], "beside": True}}
    events = told(race(SGD, problem=SMALL, dtype="float64", steps=1, probes=[probe], tune=False))
    ends = {event.matrix: event for event in of(Spectrum, events, step=0, final=True)}
    assert list(ends) == ["hessian", "gauss_newton", "residual"]
    values = {event.matrix: event.values for event in of(Eigenvalues, events, step=0, final=True)}
    assert list(values) == list(ends)
    # Weyl: the sum's largest eigenvalue is at most the sum of the parts' largest.
    assert values["hessian"][0] <= values["gauss_newton"][0] + values["residual"][0] + 1e-6


def test_fewer_outliers_than_parameters_are_looked_for() -> None:
    events = told(race(SGD, problem=BOWL, steps=2, probes=[{"analysis": {"kind": "spectrum"}}], tune=False))
    found = of(Eigenvalues, events, step=0, final=True)
    assert [len(event.values) for event in found] == [1]  # of two
    assert float(found[0].values[0]) == pytest.approx(10.0, rel=1e-3)


def test_no_outliers_are_looked_for_where_none_are_wanted() -> None:
    probe = {"analysis": {**SPECTRUM["analysis"], "outliers": 0}}
    events = told(race(SGD, problem=SMALL, steps=1, probes=[probe], tune=False))
    assert of(Eigenvalues, events) == []
    assert of(Spectrum, events)


def clouds(classes: int, dimensions: int, spread: float, seed: int) -> Problem:
    """Softmax regression on Gaussian clouds about standard normal centres."""
    random = np.random.default_rng(seed)
    centres_CF = random.standard_normal((classes, dimensions))
    y_N = np.arange(60 * classes) % classes
    x_NF = centres_CF[y_N] + spread * random.standard_normal((len(y_N), dimensions))
    criterion = build_criterion(CrossEntropyLoss(), classes)
    model = Mlp(MlpModel(hidden=()), dimensions, criterion.outputs)
    data = Splits(Examples(x_NF, y_N), None)
    return NetworkProblem(model, criterion, data, classes, torch.float64, torch.device("cpu"))


@pytest.mark.parametrize("seed", range(5))
def test_softmax_regression_on_blobs_descends_in_the_top_k_eigenspace(seed: int) -> None:
    """Gur-Ari, Roberts & Dyer 2018, section 4: k clouds, learning rate 1."""
    probe = {"every": 1, "late": "wait", "analysis": {"kind": "overlap", "k": 5}}
    lane = {"name": "GD", "optimizer": {"kind": "sgd", "lr": 1.0}}
    request = race(lane, steps=20, dtype="float64", seed=seed, tune=False, probes=[probe])
    after = of(Overlap, told(request, problem=clouds(5, 20, 0.3, seed)))[10:]
    assert min(event.fraction for event in after) > 0.95
    assert min(event.update for event in after if event.update is not None) > 0.95
    assert {event.baseline for event in after} == {5 / 105}
