"""The analyses of curvature: their events against dense matrices, as they come and as they end."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.core.analyses.base import Context, Moment, Point
from backend.core.analyses.failures import NotFinite
from backend.core.analyses.registry import analysis_for
from backend.core.problems.problem import Problem
from backend.schemas.analysis import (
    AnalysisSpec,
    IndexAnalysis,
    OverlapAnalysis,
    SpectrumAnalysis,
    TopEigenvaluesAnalysis,
    TraceAnalysis,
)
from backend.schemas.events import (
    Eigenvalues,
    Event,
    Index,
    Overlap,
    Progress,
    ResolvedPoint,
    Spectrum,
    Started,
    Trace,
)
from tests.core.curvature.curvature_cases import dense_hessian, over, place

KINDS = (
    TopEigenvaluesAnalysis(k=2), SpectrumAnalysis(steps=6, probes=2), TraceAnalysis(probes=3), IndexAnalysis(probes=2),
    OverlapAnalysis(k=2),
)  # fmt: skip
NETS = ("relu", "cnn-frozen", "linear-regression", "attention")


def told(problem: Problem, spec: AnalysisSpec, *moments: Moment, seed: int = 0) -> list[Any]:
    """What an analysis says, ticks left out."""
    assert analysis_for(spec).unsupported(problem, spec) is None
    points = tuple(Point(ResolvedPoint(run="r", lane="SGD", step=moment.step), moment) for moment in moments)
    events = list(analysis_for(spec).run(problem, spec, Context(seed, points)))
    return [event for event in events if isinstance(event, Event)]


def ordered(problem: Problem, moment: Moment) -> Tensor:
    return torch.linalg.eigvalsh(dense_hessian(problem, moment)).flip(0)


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
def test_the_first_event_says_where_and_the_last_is_final(spec: Any) -> None:
    problem, moment = place("relu")
    later = Moment(9, moment.params_P * 1.1, moment.buffers_B)
    first, *rest = told(problem, spec, moment, later)
    assert isinstance(first, Started)
    assert [point.step for point in first.points] == [7, 9]
    found = [event for event in rest if not isinstance(event, Progress)]
    for kind in {type(event) for event in found}:
        points = [event.point for event in found if type(event) is kind]
        assert points == sorted(points)
    for index, step in enumerate((7, 9)):
        own = [event for event in found if event.point == index]
        assert {(event.lane, event.step) for event in own} == {("SGD", step)}
        for kind in {type(event) for event in own}:
            mine = [getattr(event, "final", True) for event in own if type(event) is kind]
            assert mine == [False] * (len(mine) - 1) + [True]


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
def test_the_same_seed_says_the_same(spec: Any) -> None:
    problem, moment = place("cnn-frozen", torch.float32)
    one, other = (told(problem, spec, moment) for _ in range(2))
    assert [event.encode() for event in one] == [event.encode() for event in other]


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
def test_a_diverged_point_is_refused(spec: Any) -> None:
    problem, moment = place("relu")
    with pytest.raises(NotFinite, match="before the lane diverged"):
        told(problem, spec, Moment(7, moment.params_P * math.nan, moment.buffers_B))


@pytest.mark.parametrize("spec", KINDS, ids=lambda spec: spec.kind)
def test_without_a_point_it_is_the_start(spec: Any) -> None:
    problem, _ = place("relu")
    first, *rest = told(problem, spec)
    assert first.points == (ResolvedPoint(step=0),)
    assert {event.step for event in rest if not isinstance(event, Progress)} == {0}


@over(NETS)
@pytest.mark.parametrize("which", ["largest", "smallest", "both"])
def test_top_eigenvalues(name: str, which: str) -> None:
    problem, moment = place(name)
    spec = TopEigenvaluesAnalysis.model_validate({"k": 4, "which": which, "tol": 1e-6})
    *before, last = (event for event in told(problem, spec, moment) if isinstance(event, Eigenvalues))
    exact = ordered(problem, moment)
    wanted = {"largest": exact[:4], "smallest": exact[-4:], "both": torch.cat((exact[:4], exact[-4:]))}[which]
    np.testing.assert_allclose(last.values, wanted, rtol=0, atol=1e-6 * float(exact.abs().max()))
    assert last.converged
    assert not any(event.converged for event in before)
    assert [event.products for event in before] == sorted(event.products for event in before)
    assert last.values.dtype == np.float64


def test_eigenvalues_that_are_not_found_in_time_are_told_as_such() -> None:
    problem, moment = place("cnn", torch.float32)
    spec = TopEigenvaluesAnalysis(k=30, which="both", tol=1e-12, budget=200)
    last = told(problem, spec, moment)[-1]
    assert (last.converged, last.final, last.products) == (False, True, 200)
    assert float(last.residuals.max()) > 0.0
    assert last.values.dtype == np.float32


@pytest.mark.parametrize("matrix", ["hessian", "gauss_newton", "residual"])
def test_hessian_is_gauss_newton_and_the_rest_in_trace(matrix: str) -> None:
    problem, moment = place("gelu-half")
    spec = TraceAnalysis.model_validate({"matrix": matrix, "probes": 60})
    seen = [event for event in told(problem, spec, moment) if isinstance(event, Trace)]
    assert [event.probes for event in seen] == list(range(1, 61))
    assert math.isinf(seen[0].stderr)
    traces = {
        kind: told(problem, TraceAnalysis.model_validate({"matrix": kind, "probes": 60}), moment)[-1].value
        for kind in ("hessian", "gauss_newton", "residual")
    }
    # The same probes: exact up to rounding.
    assert traces["hessian"] == pytest.approx(traces["gauss_newton"] + traces["residual"], abs=1e-9)
    if matrix == "hessian":
        assert abs(seen[-1].value - float(dense_hessian(problem, moment).trace())) <= 3 * seen[-1].stderr


def test_spectra_of_the_whole_and_of_its_layers() -> None:
    problem, moment = place("cnn-frozen")
    spec = SpectrumAnalysis(steps=8, probes=20, layers=True)
    seen = [event for event in told(problem, spec, moment) if isinstance(event, Spectrum)]
    assert list(dict.fromkeys(event.layer for event in seen)) == [None, "0", "1", "4", "5", "9"]
    for event in seen:
        assert float(np.trapezoid(event.density, event.grid)) == pytest.approx(1.0, abs=1e-5)
    stems = [event for event in told(problem, spec, moment) if isinstance(event, Eigenvalues) and event.final]
    assert [event.layer for event in stems] == [None, "0", "1", "4", "5", "9"]
    ends = [event for event in seen if event.final]
    assert ends[0].size == problem.layout.size == sum(event.size for event in ends[1:])
    dense = dense_hessian(problem, moment)
    assert abs(ends[0].trace - float(dense.trace())) <= 3 * ends[0].trace_stderr
    start = 0
    for event, stem in zip(ends[1:], stems[1:], strict=True):
        block = dense[start : start + event.size, start : start + event.size]
        largest = torch.linalg.eigvalsh(block).flip(0)[: min(10, event.size - 1)]
        assert stem.converged
        np.testing.assert_allclose(stem.values, largest, rtol=0.0, atol=1e-3 * float(largest[0]))
        exact = float(dense.diagonal()[start : start + event.size].sum())
        assert abs(event.trace - exact) <= 3 * event.trace_stderr + 1e-9
        start += event.size


@over(NETS)
def test_a_small_index_is_counted(name: str) -> None:
    problem, moment = place(name)
    (found,) = (event for event in told(problem, IndexAnalysis(), moment) if isinstance(event, Index))
    exact = ordered(problem, moment)
    assert found.below == pytest.approx(-1e-4 * float(exact.abs().max()))
    assert found.value == pytest.approx(float((exact < found.below).double().mean()))
    assert found.stderr == 0.0


def test_a_large_index_is_estimated() -> None:
    problem, moment = place("cnn-grouped")  # 698 parameters
    *_, found = told(problem, IndexAnalysis(probes=20), moment)
    exact = ordered(problem, moment)
    share = float((exact < found.below).double().mean())
    assert 0.0 < found.stderr < 0.05
    assert abs(found.value - share) <= 3 * found.stderr


def test_overlap_against_the_dense_eigenspace() -> None:
    problem, moment = place("relu")
    later = Moment(9, moment.params_P * 1.05, moment.buffers_B)
    spec = OverlapAnalysis(k=3, tol=1e-6)
    first, second = (event for event in told(problem, spec, moment, later) if isinstance(event, Overlap))
    spaces = []
    for event, at in ((first, moment), (second, later)):
        params_P = at.params_P.clone().requires_grad_(True)
        (grad_P,) = torch.autograd.grad(problem.loss(params_P, at.buffers_B), params_P)
        spaces.append(torch.linalg.eigh(dense_hessian(problem, at)).eigenvectors[:, -3:])
        exact = (spaces[-1].T @ grad_P).square().sum() / grad_P.square().sum()
        assert event.fraction == pytest.approx(float(exact), abs=1e-5)
        assert event.baseline == pytest.approx(3 / problem.layout.size)
        assert event.converged
        assert 0.0 <= event.residual <= 1e-6 * float(torch.linalg.eigvalsh(dense_hessian(problem, at))[-1])
    assert first.previous is None
    assert second.previous == pytest.approx(float((spaces[0].T @ spaces[1]).square().sum()) / 3, abs=1e-5)


def test_a_share_of_the_data_is_the_front() -> None:
    problem, moment = place("relu")
    assert problem.train is not None
    whole, front = (
        told(problem, TraceAnalysis(probes=4, data_fraction=share), moment)[-1].value for share in (1.0, 0.3)
    )
    assert whole != front


@pytest.mark.parametrize(
    ("name", "spec", "sentence"),
    [
        ("rosenbrock", TopEigenvaluesAnalysis(k=2), "below the number of parameters (2), got 2"),
        ("rosenbrock", OverlapAnalysis(k=9), "below the number of parameters (2), got 9"),
        ("rosenbrock", TraceAnalysis(matrix="gauss_newton"), "take the Hessian"),
        ("rosenbrock", SpectrumAnalysis(matrix="residual"), "take the Hessian"),
        ("relu", TopEigenvaluesAnalysis(k=60, which="both"), "at most half of the"),
    ],
)
def test_what_does_not_exist_is_said_beforehand(name: str, spec: AnalysisSpec, sentence: str) -> None:
    problem, _ = place(name)
    assert sentence in (analysis_for(spec).unsupported(problem, spec) or "")
