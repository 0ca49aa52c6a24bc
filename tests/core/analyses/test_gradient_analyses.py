"""Gradient statistics and the tangent kernel as analyses and as probes."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from core.analyses.races import of, race
from core.analyses.races import told as raced

from backend.core.analyses.base import Context, Moment, Path, Point
from backend.core.analyses.failures import NotFinite, Unsupported
from backend.core.analyses.gradient_stats import GRADIENT_STATS
from backend.core.analyses.ntk import NTK
from backend.core.gradients.per_sample import through_vmap
from backend.core.problems.problem import Data, Problem
from backend.schemas.analysis import GradientStatsAnalysis, NtkAnalysis
from backend.schemas.analysis.gradient_stats import STATISTICS
from backend.schemas.events import (
    Conflict,
    Examples,
    GradientStats,
    Kernel,
    Opposition,
    ResolvedPoint,
    SaliencyMap,
    Started,
)
from tests.cases import build

ELSEWHERE = ("mode_responses", "lojasiewicz")  # these need two classes, and more than two moments
OF_CLASSES = ("class_cosine", "conflict", *ELSEWHERE)
WITHOUT_CLASSES = tuple(name for name in STATISTICS if name not in OF_CLASSES)
USUAL = tuple(name for name in STATISTICS if name not in ELSEWHERE)
TOLD_APART = {Examples: "examples", Conflict: "conflict", Opposition: "opposing"}


def after_a_step(problem: Problem, lr: float = 0.3) -> Context:
    params_P, buffers_B = problem.params0(0)
    start_P = params_P.clone().requires_grad_()
    (grad_P,) = torch.autograd.grad(problem.loss(start_P, buffers_B), start_P)
    moments = (Moment(0, params_P, buffers_B), Moment(1, params_P - lr * grad_P, buffers_B))
    return Context(seed=0, points=(Point(ResolvedPoint(lane="a", step=1), moments[1], (Path("a", 0, moments),)),))


def told(name: str, *statistics: str, **spec: Any) -> dict[str, Any]:
    problem = build(name)
    asked = GradientStatsAnalysis(statistics=statistics, **spec)  # type: ignore[arg-type]
    assert GRADIENT_STATS.unsupported(problem, asked) is None
    first, *rest = list(GRADIENT_STATS.run(problem, asked, after_a_step(problem)))
    assert isinstance(first, Started)
    kinds = (GradientStats, *TOLD_APART)
    return {TOLD_APART.get(type(e)) or e.statistic: e for e in rest if isinstance(e, kinds)}  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["digits-tanh", "cnn-batch", "resnet-group"])
def test_every_statistic_is_told_layer_by_layer(name: str) -> None:
    found = told(name, *USUAL, examples=20)
    assert set(found) == set(USUAL)
    for statistic, event in found.items():
        if isinstance(event, GradientStats):
            assert len(event.layer) == len(event.values), statistic
            assert event.examples == 20
            if statistic not in ("class_cosine", "signal_to_noise"):
                assert np.isfinite(event.values).all(), statistic
    opposed = found["opposing"]
    assert len(opposed.helped) == len(opposed.hurt) == 8
    assert (np.diff(opposed.change[:8]) >= 0).all()
    assert opposed.change[:8].max() <= opposed.change[8:].min()
    assert opposed.pictures.shape == (16, 8, 8)


def test_statistics_against_all_gradients_at_once() -> None:
    problem = build("digits-tanh")
    moment = after_a_step(problem).points[0].moment
    assert problem.train is not None
    data = Data(problem.train.x[:20], problem.train.y[:20])
    grad_NP = through_vmap(problem, moment, data).numpy()
    found = told(
        "digits-tanh", "gradient_norm", "coherence", "noise_scale", "signal_to_noise", "update_norm", examples=20
    )
    inside = slice(0, 64 * 8 + 8)
    mean_P = grad_NP.mean(0)
    assert found["gradient_norm"].values[0] == pytest.approx(np.linalg.norm(mean_P[inside]), rel=1e-10)
    alpha = (mean_P**2).sum() / (grad_NP**2).sum(1).mean()
    assert found["coherence"].layer[-1] == "all"
    assert found["coherence"].values[-1] == pytest.approx(20 * alpha, rel=1e-10)
    single, whole = (grad_NP**2).sum(1).mean(), (mean_P**2).sum()
    noise, signal = (single - whole) / (1 - 1 / 20), (20 * whole - single) / 19
    assert found["noise_scale"].values[-1] == pytest.approx(noise / signal, rel=1e-9)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = mean_P**2 / grad_NP.var(0)
    kept = ratios[inside][np.isfinite(ratios[inside])]
    assert found["signal_to_noise"].values[0] == pytest.approx(kept.mean(), rel=1e-9)
    start_P = problem.params0(0)[0].numpy()
    step_P = moment.params_P.numpy() - start_P
    assert found["update_norm"].values[0] == pytest.approx(np.linalg.norm(step_P[inside]), rel=1e-10)


def test_a_regression_and_a_function() -> None:
    assert "a regression" in str(
        GRADIENT_STATS.unsupported(build("sine-linear"), GradientStatsAnalysis(statistics=("class_cosine",)))
    )
    assert "no examples" in str(GRADIENT_STATS.unsupported(build("rosenbrock"), GradientStatsAnalysis()))
    assert "is a function" in str(NTK.unsupported(build("rosenbrock"), NtkAnalysis()))
    assert set(told("sine-linear", *WITHOUT_CLASSES, examples=17)) >= {"coherence", "weight_alignment"}


def test_what_does_not_fit_or_is_not_finite_says_so() -> None:
    problem = build("resnet-group")
    ctx = after_a_step(problem)
    wide = NtkAnalysis(budget_mb=1, examples=24)
    assert "ask for at most" in str(NTK.unsupported(problem, wide)) or NTK.unsupported(problem, wide) is None
    moment = ctx.points[0].moment
    broken = Point(ResolvedPoint(step=4), Moment(4, moment.params_P * math.nan, moment.buffers_B))
    for analysis, spec in ((GRADIENT_STATS, GradientStatsAnalysis()), (NTK, NtkAnalysis())):
        with pytest.raises(NotFinite, match="at step 4"):
            list(analysis.run(problem, spec, Context(seed=0, points=(broken,))))  # type: ignore[attr-defined]


def test_gradients_beyond_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = build("digits-tanh")
    spec = GradientStatsAnalysis(examples=4096, budget_mb=1)
    assert GRADIENT_STATS.unsupported(problem, spec) is None  # 60 examples are all there are
    monkeypatch.setattr("backend.core.gradients.per_sample.MB", 10_000)
    assert str(GRADIENT_STATS.unsupported(problem, spec)).endswith("ask for at most 2 examples.")
    with pytest.raises(Unsupported, match="ask for at most"):
        list(GRADIENT_STATS.run(problem, spec, Context(seed=0)))


def test_the_kernel_of_a_linear_net() -> None:
    problem = build("wine-linear")
    assert problem.train is not None
    *_, event = list(NTK.run(problem, NtkAnalysis(examples=12), Context(seed=0)))
    assert isinstance(event, Kernel)
    x = problem.train.x[:12]
    expected = torch.linalg.eigvalsh(x @ x.T + 1).flip(0).repeat_interleave(3)
    np.testing.assert_allclose(event.eigenvalues, expected.numpy(), rtol=1e-9, atol=1e-9)
    assert event.layer == ("0",)
    assert event.layer_alignment[0] == pytest.approx(event.alignment)
    assert event.baseline == pytest.approx(1 / math.sqrt(11))


def test_along_a_race_every_lane_is_looked_at() -> None:
    probes = [
        {
            "every": 2,
            "late": "wait",
            "analysis": {"kind": "gradient_stats", "statistics": ["update_norm", "layer_rotation"], "examples": 10},
        },
        {"every": 2, "late": "wait", "analysis": {"kind": "ntk", "examples": 6}},
        {"every": 2, "late": "wait", "analysis": {"kind": "saliency", "examples": [0], "method": "gradient"}},
    ]
    events = raced(race(steps=4, probes=probes))
    rotations = of(GradientStats, events, statistic="layer_rotation")
    assert {e.step for e in rotations} == {0, 2, 4}
    assert all(e.values.max() < 1e-6 for e in rotations if e.step == 0)
    assert all(e.values.min() > 1e-6 for e in rotations if e.step == 4)
    assert {e.step for e in of(GradientStats, events, statistic="update_norm")} == {2, 4}
    assert {e.step for e in of(Kernel, events)} == {0, 2, 4}
    assert {e.step for e in of(SaliencyMap, events)} == {0, 2, 4}
