"""Products with the Hessian and its kin, against dense matrices."""

import math

import pytest
import torch

from backend.core.analyses.base import Moment
from backend.core.curvature.blocks import Block, layers
from backend.core.curvature.ggn import gauss_newton
from backend.core.curvature.graph import BATCHED_FROM, graph_bytes, make_plan
from backend.core.curvature.hvp import hessian
from backend.core.curvature.operator import Difference, NotFiniteCurvature
from backend.core.problems.problem import Problem
from tests.core.curvature.curvature_cases import (
    ANALYTIC,
    EQUATED,
    FITTED,
    dense_hessian,
    drawn,
    matrix_of,
    over,
    place,
)
from tests.oracles import hessian_of

CLOSE = {"rtol": 0.0, "atol": 1e-10}


def gauss_newton_by_hand(problem: Problem, moment: Moment) -> torch.Tensor:
    """(1/N) Σ JᵢᵀSᵢJᵢ, with J and S dense."""
    assert problem.train is not None
    total = torch.zeros(problem.layout.size, problem.layout.size, dtype=torch.float64)
    for x, y in zip(problem.train.x.unsqueeze(1), problem.train.y.unsqueeze(1), strict=True):

        def out(at_P: torch.Tensor, x: torch.Tensor = x) -> torch.Tensor:
            return problem.outputs(at_P, moment.buffers_B, x)[0]

        def loss(out_C: torch.Tensor, y: torch.Tensor = y) -> torch.Tensor:
            return problem.criterion(out_C.unsqueeze(0), y)

        J_CP = torch.func.jacrev(out)(moment.params_P)
        S_CC = hessian_of(loss, out(moment.params_P))
        total += J_CP.T @ S_CC @ J_CP / len(problem.train)
    return total


@over(FITTED + ANALYTIC + EQUATED)
def test_hessian_is_the_dense_hessian(name: str) -> None:
    problem, moment = place(name)
    torch.testing.assert_close(matrix_of(hessian(problem, moment)), dense_hessian(problem, moment), **CLOSE)


@over(FITTED)
def test_microbatches_change_nothing(name: str) -> None:
    problem, moment = place(name)
    assert problem.train is not None
    V_KP = torch.randn(2, problem.layout.size, generator=drawn(), dtype=torch.float64)
    for make in (hessian, gauss_newton):
        whole = make(problem, moment)
        assert whole.plan.retained
        for microbatch in (7, len(problem.train) - 1):  # both leave a ragged rest
            parts = make(problem, moment, microbatch=microbatch)
            assert not parts.plan.retained
            torch.testing.assert_close(parts.apply(V_KP), whole.apply(V_KP), rtol=0.0, atol=1e-8)


@over(
    (
        "attention",
        "relu",
        "cnn-frozen",
        "cnn-grouped",
        "wine-linear",
        "cancer-logistic-gelu",
        "chebyshev-half-mse",
        *EQUATED,
    )
)
def test_gauss_newton_is_the_dense_product(name: str) -> None:
    problem, moment = place(name)
    torch.testing.assert_close(matrix_of(gauss_newton(problem, moment)), gauss_newton_by_hand(problem, moment), **CLOSE)


@over(("relu", "gelu-half", "attention"))
def test_hessian_is_gauss_newton_and_the_rest(name: str) -> None:
    problem, moment = place(name)
    H, G = hessian(problem, moment), gauss_newton(problem, moment)
    rest = matrix_of(Difference(H, G))
    torch.testing.assert_close(gauss_newton_by_hand(problem, moment) + rest, dense_hessian(problem, moment), **CLOSE)
    assert float(torch.linalg.eigvalsh(matrix_of(G)).min()) > -1e-12
    assert float(rest.abs().max()) > 1e-4


@over(("wine-linear", "linear-regression", "sine-linear"))
def test_a_linear_model_has_no_rest(name: str) -> None:
    problem, moment = place(name)
    torch.testing.assert_close(matrix_of(hessian(problem, moment)), matrix_of(gauss_newton(problem, moment)), **CLOSE)


def test_softmax_regression_has_its_closed_form() -> None:
    problem, moment = place("wine-linear")
    assert problem.train is not None
    x_NF = torch.cat((problem.train.x, torch.ones(len(problem.train), 1, dtype=torch.float64)), 1)
    p_NC = problem.outputs(moment.params_P, moment.buffers_B, problem.train.x).softmax(1)
    S_NCC = torch.diag_embed(p_NC) - p_NC.unsqueeze(2) * p_NC.unsqueeze(1)
    expected = torch.einsum("nab,ni,nj->aibj", S_NCC, x_NF, x_NF) / len(x_NF)
    C, F = p_NC.shape[1], problem.train.x.shape[1]
    # weight [C, F], then bias [C]: from rows of (weights, bias) to the layout's order
    order = [c * (F + 1) + f for c in range(C) for f in range(F)] + [c * (F + 1) + F for c in range(C)]
    expected = expected.reshape(C * (F + 1), C * (F + 1))[order][:, order]
    torch.testing.assert_close(matrix_of(hessian(problem, moment)), expected, **CLOSE)


def test_linear_regression_has_its_closed_form() -> None:
    problem, moment = place("linear-regression")
    assert problem.train is not None
    x_NF, C = problem.train.x, 3
    weights = C * x_NF.shape[1]
    expected = torch.kron(torch.eye(C, dtype=torch.float64), 2 / len(x_NF) * x_NF.T @ x_NF)
    found = matrix_of(hessian(problem, moment))
    torch.testing.assert_close(found[:weights, :weights], expected, **CLOSE)
    torch.testing.assert_close(found[weights:, weights:], 2 * torch.eye(C, dtype=torch.float64), **CLOSE)


@over(FITTED + ANALYTIC + EQUATED)
def test_applying_changes_nothing(name: str) -> None:
    problem, moment = place(name)
    params_P, buffers_B = moment.params_P.clone(), moment.buffers_B.clone()
    for make in (hessian, gauss_newton) if problem.train is not None else (hessian,):
        operator = make(problem, moment)
        v_KP = torch.randn(1, operator.size, generator=drawn(), dtype=torch.float64)
        once, again = operator.apply(v_KP), operator.apply(v_KP)
        assert torch.equal(once, again)
        assert not once.requires_grad
    assert torch.equal(moment.params_P, params_P)
    assert torch.equal(moment.buffers_B, buffers_B)
    assert moment.params_P.grad is None


@over(("cnn-frozen", "cnn-grouped", "chebyshev-half-mse", "attention", "relu"))
def test_a_block_of_vectors_is_as_one_after_the_other(name: str) -> None:
    problem, moment = place(name)
    for operator in (hessian(problem, moment), gauss_newton(problem, moment)):
        V_KP = torch.randn(BATCHED_FROM + 1, operator.size, generator=drawn(), dtype=torch.float64)
        singly = torch.cat([operator.apply(v_P.unsqueeze(0)) for v_P in V_KP])
        torch.testing.assert_close(operator.apply(V_KP), singly, **CLOSE)


def test_small_work_goes_at_once_where_it_can() -> None:
    assert hessian(*place("chebyshev-half-mse")).plan.batched
    assert not hessian(*place("cnn-grouped")).plan.batched  # the double backward of GroupNorm cannot


def test_a_given_plan_gives_the_same_products() -> None:
    problem, moment = place("relu")
    first = hessian(problem, moment, microbatch=10)
    again = hessian(problem, moment, plan=first.plan)
    v_KP = torch.randn(1, first.size, generator=drawn(), dtype=torch.float64)
    assert torch.equal(first.apply(v_KP), again.apply(v_KP))
    assert again.plan is first.plan


@over(("cnn-frozen", "relu"))
def test_a_layers_block_is_its_part_of_the_matrix(name: str) -> None:
    problem, moment = place(name)
    H = hessian(problem, moment)
    dense = matrix_of(H)
    found = layers(problem.layout)
    assert [layer.start for layer in found[1:]] == [layer.end for layer in found[:-1]]
    assert found[-1].end == problem.layout.size
    for layer in found:
        block = slice(layer.start, layer.end)
        torch.testing.assert_close(matrix_of(Block(H, layer)), dense[block, block], **CLOSE)


def test_float32_is_float64_rounded() -> None:
    wide, narrow = (matrix_of(hessian(*place("cnn-frozen", dtype))) for dtype in (torch.float64, torch.float32))
    assert narrow.dtype == torch.float32
    assert float((wide - narrow).abs().max()) < 1e-5 * float(wide.abs().max())


def test_parameters_that_are_not_finite_are_refused() -> None:
    problem, moment = place("relu")
    broken = moment.params_P.clone()
    broken[3] = math.nan
    with pytest.raises(NotFiniteCurvature, match=r"finite parameters.*at step 7.*before the lane"):
        hessian(problem, Moment(7, broken, moment.buffers_B))


def test_a_product_that_overflows_is_refused() -> None:
    problem, moment = place("linear-regression", torch.float32)
    operator = hessian(problem, moment)
    with pytest.raises(NotFiniteCurvature, match="float64"):
        operator.apply(torch.full((1, operator.size), 3e38))


def test_a_function_has_no_gauss_newton() -> None:
    with pytest.raises(ValueError, match="no outputs; take its Hessian"):
        gauss_newton(*place("rosenbrock"))


def test_microbatches_have_examples() -> None:
    with pytest.raises(ValueError, match="1 example or more, got 0"):
        hessian(*place("relu"), microbatch=0)


def test_what_does_not_fit_is_cut() -> None:
    problem, moment = place("relu")
    assert problem.train is not None
    build = hessian(problem, moment)._build
    whole = graph_bytes(build, problem.train) / 1e6
    roomy, tight = (make_plan(build, problem.train, moment.params_P, None, mb) for mb in (2 * whole, whole / 3))
    assert roomy.retained
    assert not tight.retained
    assert sum(share for _, share in tight.parts) == pytest.approx(1.0)
    assert max(graph_bytes(build, data) for data, _ in tight.parts) <= 1.1e6 * whole / 3
    assert len(hessian(problem, moment, graph_mb=1e-9).plan.parts) == len(problem.train)
