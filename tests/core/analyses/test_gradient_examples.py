"""Single examples, classes as tasks, modes of margins and the exponent of the descent, as the analysis tells them."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from core.analyses.races import of, race
from core.analyses.races import told as raced

from backend.core.analyses.base import Context, Moment, Path, Point, Tick
from backend.core.analyses.gradient_stats import GRADIENT_STATS
from backend.core.gradients.conflict import magnitude_similarity, pcgrad, upgrad
from backend.core.gradients.per_sample import through_vmap
from backend.core.problems.problem import Data, Problem
from backend.schemas.analysis import GradientStatsAnalysis
from backend.schemas.events import (
    AnyEvent,
    Conflict,
    ExamplePictures,
    Examples,
    GradientStats,
    Opposition,
    ResolvedPoint,
)
from tests.cases import build


def descent(problem: Problem, steps: int, lr: float = 0.3) -> Context:
    params_P, buffers_B = problem.params0(0)
    moments = [Moment(0, params_P, buffers_B)]
    for step in range(1, steps + 1):
        at_P = params_P.clone().requires_grad_()
        (grad_P,) = torch.autograd.grad(problem.loss(at_P, buffers_B), at_P)
        params_P = params_P - lr * grad_P
        moments.append(Moment(step, params_P, buffers_B))
    path = Path("a", 0, tuple(moments))
    return Context(seed=0, points=(Point(ResolvedPoint(lane="a", step=steps), moments[-1], (path,)),))


def told(problem: Problem, ctx: Context, *statistics: str, **spec: Any) -> list[AnyEvent]:
    asked = GradientStatsAnalysis(statistics=statistics, **spec)  # type: ignore[arg-type]
    assert GRADIENT_STATS.unsupported(problem, asked) is None
    return [event for event in GRADIENT_STATS.run(problem, asked, ctx) if hasattr(event, "kind")]


def all_gradients(problem: Problem, moment: Moment, count: int) -> tuple[torch.Tensor, Data]:
    assert problem.train is not None
    data = Data(problem.train.x[:count], problem.train.y[:count])
    return through_vmap(problem, moment, data), data


def test_every_example_by_itself() -> None:
    problem = build("digits-tanh")
    ctx = descent(problem, 1)
    _, pictures, event = told(problem, ctx, "examples", examples=20)
    moment = ctx.points[0].moment
    grad_NP, data = all_gradients(problem, moment, 20)
    assert isinstance(event, Examples)
    mean_P = grad_NP.mean(0)
    np.testing.assert_allclose(event.norm, grad_NP.norm(dim=1).numpy(), rtol=1e-9)
    cosine_N = grad_NP @ mean_P / (grad_NP.norm(dim=1) * mean_P.norm())
    np.testing.assert_allclose(event.cosine, cosine_N.numpy(), rtol=1e-7, atol=1e-9)
    losses = [
        float(problem.loss(moment.params_P, moment.buffers_B, Data(data.x[i : i + 1], data.y[i : i + 1])))
        for i in range(20)
    ]
    np.testing.assert_allclose(event.loss, losses, rtol=1e-9)
    weight = slice(problem.layout.slices[-2][2], problem.layout.slices[-2][3])
    own_Np, weight_p = grad_NP[:, weight], moment.params_P[weight]
    expected = -(own_Np @ weight_p) / (own_Np.norm(dim=1) * weight_p.norm())
    np.testing.assert_allclose(event.alignment, expected.numpy(), rtol=1e-7, atol=1e-9)
    assert event.label is not None
    assert event.label.tolist() == data.y.tolist()
    assert isinstance(pictures, ExamplePictures)
    assert pictures.pictures.dtype == np.uint8
    np.testing.assert_array_equal(pictures.pictures, np.round(255 * data.x.view(20, 8, 8).numpy()))


def test_what_examples_look_like_is_told_once_a_race() -> None:
    analysis = {"kind": "gradient_stats", "statistics": ["examples"], "examples": 10}
    events = raced(race(steps=4, probes=[{"every": 2, "late": "wait", "analysis": analysis}]))
    assert len(of(ExamplePictures, events)) == 1
    assert {event.step for event in of(Examples, events)} == {0, 2, 4}


def test_classes_as_tasks_against_their_gradients() -> None:
    problem = build("digits-tanh")
    ctx = descent(problem, 1)
    _, event = told(problem, ctx, "conflict", examples=40)
    assert isinstance(event, Conflict)
    grad_NP, data = all_gradients(problem, ctx.points[0].moment, 40)
    labels = data.y.unique()
    grad_TP = torch.stack([grad_NP[data.y == label].mean(0) for label in labels])
    assert event.task == tuple(str(int(label)) for label in labels)
    norm_T = grad_TP.norm(dim=1)
    np.testing.assert_allclose(event.cosine, (grad_TP @ grad_TP.T / torch.outer(norm_T, norm_T)).numpy(), atol=1e-9)
    np.testing.assert_allclose(event.magnitude, magnitude_similarity(grad_TP).numpy(), rtol=1e-9)
    for found, step_P in (
        (event.mean, grad_TP.mean(0)),
        (event.pcgrad, pcgrad(grad_TP)),
        (event.upgrad, upgrad(grad_TP)),
    ):
        np.testing.assert_allclose(found, (grad_TP @ step_P / (norm_T * step_P.norm())).numpy(), atol=1e-6)
    assert event.upgrad.min() > -1e-6  # a step that hurts nobody
    assert event.conflicting > 0


def test_opposed_pairs() -> None:
    problem = build("digits-tanh")
    ctx = descent(problem, 1, lr=1.0)
    _, event = told(problem, ctx, "opposing", examples=40)
    assert isinstance(event, Opposition)
    assert problem.train is not None
    assert event.pair_cosine is not None
    chosen = [*event.helped, *event.hurt]
    grad_NP = through_vmap(problem, ctx.points[0].paths[0].moments[0], Data(problem.train.x, problem.train.y))
    for one, other, cosine in zip(event.helped, event.hurt, event.pair_cosine, strict=True):
        expected = torch.cosine_similarity(grad_NP[one], grad_NP[other], dim=0)
        assert cosine == pytest.approx(float(expected), abs=1e-9)
    others = torch.tensor(event.hurt)
    first = torch.cosine_similarity(grad_NP[event.helped[0]][None], grad_NP[others])
    assert int(first.argmin()) == 0  # the most helped one chooses first
    assert event.label is not None
    assert event.label.tolist() == problem.train.y[chosen].tolist()


@pytest.mark.parametrize("name", ["cancer-logistic-gelu", "circles-silu-orthogonal"])
def test_modes_of_margins_learn_as_the_linearised_net_says(name: str) -> None:
    """To first order a small step moves the responses by those of the features' own change, Uᵀ(Φ Δθ)."""
    problem = build(name)
    ctx = descent(problem, 1, lr=1e-5)
    start, now = ctx.points[0].paths[0].moments

    def responses(context: Context) -> np.ndarray[Any, Any]:
        event = told(problem, context, "mode_responses", examples=25, modes=3)[-1]
        assert isinstance(event, GradientStats)
        assert event.layer == ("mode 1", "mode 2", "mode 3")
        return event.values

    alone = Path("a", 0, (start,))
    before = responses(Context(seed=0, points=(Point(ResolvedPoint(step=0), start, (alone,)),)))
    change = responses(ctx) - before
    assert problem.train is not None
    sign_N = 2.0 * problem.train.y[:25].double() - 1
    rows = []
    for i in range(25):
        params_P = start.params_P.clone().requires_grad_()
        out = problem.outputs(params_P, start.buffers_B, problem.train.x[i : i + 1])[0]
        margin = sign_N[i] * (out[0] if len(out) == 1 else out[1] - out[0])
        rows.append(torch.autograd.grad(margin, params_P)[0])
    features_NP = torch.stack(rows)
    left, _, _ = torch.linalg.svd(features_NP, full_matrices=False)
    left = left * torch.where(left.sum(0) < 0, -1.0, 1.0)
    expected = left.T @ (features_NP @ (now.params_P - start.params_P)) / math.sqrt(25)
    np.testing.assert_allclose(change, expected[:3].numpy(), rtol=1e-3, atol=1e-12)


def test_modes_of_margins_are_worked_out_in_pieces() -> None:
    problem = build("cancer-logistic-gelu")
    ctx = descent(problem, 1, lr=1e-5)
    spec = GradientStatsAnalysis(statistics=("mode_responses",), examples=160)
    without = spec.model_copy(update={"statistics": ("weight_norm",)})
    ticks = [sum(isinstance(e, Tick) for e in GRADIENT_STATS.run(problem, each, ctx)) for each in (spec, without)]
    assert ticks[0] >= ticks[1] + 5  # of 70, sixteen examples' slopes at once


def test_the_exponent_of_a_descent_to_zero_loss() -> None:
    """Squared error of a linear net with more weights than examples: ‖∇L‖ ~ √L along its slowest mode."""
    problem = build("planted-linear")
    ctx = descent(problem, 400, lr=0.02)
    _, event = told(problem, ctx, "lojasiewicz", examples=4096)
    assert isinstance(event, GradientStats)
    assert event.layer == ("exponent", "constant", "r²")
    assert event.values[0] == pytest.approx(0.5, abs=0.15)
    assert event.values[2] > 0.9


def test_regressions_and_many_classes_say_what_they_have_not() -> None:
    for statistic in ("class_cosine", "conflict"):
        sentence = GRADIENT_STATS.unsupported(build("sine-linear"), GradientStatsAnalysis(statistics=(statistic,)))  # type: ignore[arg-type]
        assert sentence is not None
        assert statistic in sentence
    modes = GradientStatsAnalysis(statistics=("mode_responses",))
    assert "a problem of 10" in str(GRADIENT_STATS.unsupported(build("digits-tanh"), modes))
    assert "a regression" in str(GRADIENT_STATS.unsupported(build("sine-linear"), modes))


def test_singular_values_are_told_kernel_by_kernel() -> None:
    problem = build("digits-tanh")
    events = told(problem, descent(problem, 1), "singular_values", examples=5)[1:]
    assert [event.layer for event in events if isinstance(event, GradientStats)] == [
        ("0.weight",),
        ("2.weight",),
        ("4.weight",),
    ]
    for event, (_, shape, start, end) in zip(events, problem.layout.slices[::2], strict=True):
        assert isinstance(event, GradientStats)
        weight = problem.params0(0)[0][start:end].view(shape)
        assert event.values.shape == (1, min(shape))
        assert event.edges is not None
        assert event.edges.shape == (1, 2)
        assert weight.numel() > 0
