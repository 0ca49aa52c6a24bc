"""Our rules that use curvature: three steps worked by hand, and the known answer of each."""

import math

import pytest
import torch
from torch import Tensor

from backend.core.analyses.failures import Unsupported
from backend.core.optimizers.natural_gradient import fisher_rows, natural_direction
from backend.core.optimizers.newton import newton_direction
from backend.core.optimizers.registry import rule_of
from backend.core.optimizers.saddle_free_newton import krylov
from backend.core.problems.build import build_problem
from backend.core.problems.params import Layout
from backend.schemas.optimizer import OptimizerSpec
from backend.schemas.optimizer.natural_gradient import NaturalGradientOptimizer
from backend.schemas.optimizer.newton import NewtonOptimizer
from backend.schemas.optimizer.oasis import OasisOptimizer
from backend.schemas.optimizer.saddle_free_newton import SaddleFreeNewtonOptimizer
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import DigitsData, SineData
from backend.schemas.problem.loss import MseLoss
from backend.schemas.problem.model import MlpModel
from tests.cases import CPU, build
from tests.core.optimizers.solo import Formula, Solo

LINE, PLANE = Layout((("x", (1,)),)), Layout((("x", (2,)),))
QUARTIC = Formula(lambda x: 0.25 * (x**4).sum(), LINE)
VALLEY = Formula(lambda x: 0.5 * (x[0] ** 2 + 10 * x[1] ** 2), PLANE)
PASS = Formula(lambda x: x[0] ** 2 - x[1] ** 2 / 4, PLANE)  # a saddle at the origin, unbounded below


def path(spec: OptimizerSpec, problem: Formula, start: list[float], steps: int = 3) -> list[list[float]]:
    return Solo(spec, problem, start).walk(steps)[1:].tolist()  # type: ignore[arg-type]


# Newton


def test_newton_by_hand() -> None:
    # (H + λI)⁻¹g = x/(1 + λ), 10y/(10 + λ): x/2 and y/11 are left with λ = 1
    expected = [[1 / 2, 1 / 11], [1 / 4, 1 / 121], [1 / 8, 1 / 1331]]
    assert path(NewtonOptimizer(damping=1.0), VALLEY, [1.0, 1.0]) == [pytest.approx(row) for row in expected]
    assert path(NewtonOptimizer(damping=0.0), VALLEY, [1.0, 1.0], 1) == [pytest.approx([0.0, 0.0], abs=1e-15)]


def test_a_lazy_hessian_serves_several_steps() -> None:
    # On ¼x⁴: H = 3 serves 1 → 2/3 → 2/3 − (8/27)/3 = 46/81; then H is fresh, and x − x/3 is left
    found = path(NewtonOptimizer(damping=0.0, every=2), QUARTIC, [1.0])
    assert [row[0] for row in found] == pytest.approx([2 / 3, 46 / 81, 92 / 243])


def test_a_lazy_hessian_is_cheaper_and_part_of_the_checkpoint() -> None:
    lazy, eager = (Solo(NewtonOptimizer(every=every), build("moons-relu-kaiming")) for every in (3, 1))
    lazy.walk(3)
    eager.walk(3)
    size = lazy.at.numel()
    assert lazy.evaluations == 3 + 1 + 2 * size
    assert eager.evaluations == 3 * (1 + 1 + 2 * size)
    assert lazy.state()["rule"]["hessian"].shape == (size, size)


def test_a_singular_hessian_takes_the_pseudo_inverse() -> None:
    hessian_PP = torch.diag(torch.tensor([2.0, 0.0], dtype=torch.float64))
    found_P = newton_direction(hessian_PP, torch.tensor([4.0, 3.0], dtype=torch.float64), 0.0)
    assert found_P.tolist() == pytest.approx([2.0, 0.0])
    assert bool(newton_direction(hessian_PP * math.nan, torch.ones(2, dtype=torch.float64), 0.0).isnan().all())


# Saddle-free Newton


@pytest.mark.parametrize("method", ["dense", "lanczos"])
def test_saddle_free_newton_by_hand(method: str) -> None:
    # |H| = diag(2, ½), λ = ½: x − 2x/2.5 = x/5, y + ½y/1 = 3y/2
    spec = SaddleFreeNewtonOptimizer(damping=0.5, method=method)
    expected = [[0.2, 0.3], [0.04, 0.45], [0.008, 0.675]]
    assert path(spec, PASS, [1.0, 0.2]) == [pytest.approx(row) for row in expected]


@pytest.mark.parametrize("method", ["dense", "lanczos"])
def test_saddle_free_newton_escapes_where_newton_lands(method: str) -> None:
    start = [1.0, 0.001]
    (landed,) = path(NewtonOptimizer(damping=0.0), PASS, start, 1)
    assert landed == pytest.approx([0.0, 0.0], abs=1e-15)  # the step (−1, −.001), to the saddle
    (escaped,) = path(SaddleFreeNewtonOptimizer(damping=1e-9, method=method), PASS, start, 1)
    assert escaped == pytest.approx([0.0, 0.002], abs=1e-8)  # the step (−1, +.001), away from it
    saddle = build("saddle")
    at_rest, free = (
        Solo(spec, saddle, start).walk(40)[-1].tolist()
        for spec in (NewtonOptimizer(damping=0.0), SaddleFreeNewtonOptimizer(damping=1e-3, method=method))
    )
    assert at_rest == pytest.approx([0.0, 0.0], abs=1e-12)
    assert free == pytest.approx([0.0, 1.0], abs=1e-8)


def test_products_alone_give_the_step_of_the_whole_matrix() -> None:
    problem = build("moons-relu-kaiming")
    size = problem.layout.size
    dense = Solo(SaddleFreeNewtonOptimizer(method="dense"), problem)
    krylov_lane = Solo(SaddleFreeNewtonOptimizer(method="lanczos", k=min(size, 500)), problem)
    assert torch.allclose(dense.walk(3), krylov_lane.walk(3), rtol=0, atol=1e-7)


def test_a_krylov_space_holds_its_start() -> None:
    draw = torch.Generator().manual_seed(1)
    A_PP = torch.randn(30, 30, generator=draw, dtype=torch.float64)
    A_PP = A_PP + A_PP.T
    start_P = torch.randn(30, generator=draw, dtype=torch.float64)
    values_K, vectors_PK = krylov(lambda v: A_PP @ v, start_P, 7)
    assert vectors_PK.shape == (30, 7)
    assert torch.allclose(vectors_PK.T @ vectors_PK, torch.eye(7, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(vectors_PK @ (vectors_PK.T @ start_P), start_P, atol=1e-12)
    assert torch.allclose(torch.diag(vectors_PK.T @ A_PP @ vectors_PK), values_K, atol=1e-12)


def test_a_krylov_space_ends_where_it_is_invariant() -> None:
    diagonal_P = torch.tensor([1.0, 1.0, 2.0, 2.0], dtype=torch.float64)
    values_K, _ = krylov(lambda v: diagonal_P * v, torch.ones(4, dtype=torch.float64), 4)
    assert values_K.tolist() == pytest.approx([1.0, 2.0])


def test_nothing_moves_where_the_gradient_is_zero() -> None:
    assert path(SaddleFreeNewtonOptimizer(), PASS, [0.0, 0.0], 1) == [[0.0, 0.0]]


# Natural gradient


def _regression(factor: float) -> DataProblem:
    return DataProblem(data=SineData(examples=17), model=MlpModel(hidden=()), loss=MseLoss(factor=factor))


@pytest.mark.parametrize("factor", [0.5, 1.0])
def test_the_natural_gradient_solves_linear_regression_in_one_step(factor: float) -> None:
    problem = build_problem(_regression(factor), torch.float64, CPU)
    lane = Solo(NaturalGradientOptimizer(damping=0.0), problem)
    lane.step()
    data = problem.train
    assert data is not None
    design = torch.cat((data.x, torch.ones(len(data), 1, dtype=torch.float64)), 1)
    best = torch.linalg.lstsq(design, data.y).solution.flatten()
    assert torch.allclose(lane.at, best, rtol=0, atol=1e-12)
    empirical = Solo(NaturalGradientOptimizer(damping=0.0, fisher="empirical"), problem)
    empirical.step()
    assert not torch.allclose(empirical.at, best, rtol=0, atol=1e-2)


def test_the_natural_gradient_by_hand() -> None:
    # One output, ½·MSE, no bias: F = mean x² = 2.5; x = (1, 2), y = (2, 4), so that w − 2 halves with λ = 2.5
    class Line(Formula):
        def __init__(self) -> None:
            super().__init__(lambda w: w.sum(), LINE)
            self.x = torch.tensor([[1.0], [2.0]], dtype=torch.float64)
            self.y = torch.tensor([[2.0], [4.0]], dtype=torch.float64)

        def outputs(self, params_P: Tensor, buffers_B: Tensor, x: Tensor, batchnorm: str = "frozen") -> Tensor:
            return x * params_P

        def criterion(self, outputs: Tensor, y: Tensor) -> Tensor:
            return 0.5 * (outputs - y).square().mean()

        def loss(self, params_P, buffers_B, data=None, batchnorm="frozen"):  # type: ignore[no-untyped-def]
            return self.criterion(self.outputs(params_P, buffers_B, data.x), data.y)

        def batch_loss(self, params_P, buffers_B, x, y):  # type: ignore[no-untyped-def]
            return self.criterion(self.outputs(params_P, buffers_B, x), y)

    problem = Line()
    lane = Solo(NaturalGradientOptimizer(damping=2.5), problem, [0.0], batch=lambda step: (problem.x, problem.y))
    assert lane.walk(3)[1:, 0].tolist() == pytest.approx([1.0, 1.5, 1.75])


@pytest.mark.parametrize("name", ["digits-tanh", "cancer-logistic-gelu", "digits-mse"])
def test_the_true_fisher_averages_over_the_models_own_targets(name: str) -> None:
    problem = build(name)
    lane = Solo(NaturalGradientOptimizer(), problem)
    data = problem.train
    assert data is not None
    few_x, few_y = data.x[:4], data.y[:4]
    lane.around.objective.begin((few_x, few_y))
    rows_RP = fisher_rows(lane.around.objective, "true")
    expected_PP = torch.zeros(len(lane.at), len(lane.at), dtype=torch.float64)
    for x in few_x:
        leaf_P = lane.at.requires_grad_()
        out_C = problem.outputs(leaf_P, torch.empty(0), x.unsqueeze(0)).squeeze(0)
        jacobian = torch.stack([torch.autograd.grad(value, leaf_P, retain_graph=True)[0] for value in out_C])
        expected_PP += jacobian.T @ _output_fisher(name, out_C.detach()) @ jacobian / len(few_x)
    assert torch.allclose(rows_RP.T @ rows_RP, expected_PP, rtol=1e-9, atol=1e-12)


def _output_fisher(name: str, out_C: Tensor) -> Tensor:
    """E[∇ℓ∇ℓᵀ] over targets drawn from the model, written out target by target."""
    if name == "digits-mse":  # exp(−‖f − y‖²) is a Gaussian of variance ½: E[4(f − y)(f − y)ᵀ] = 2I
        return 2.0 * torch.eye(len(out_C), dtype=torch.float64)
    if name == "cancer-logistic-gelu":
        p = torch.sigmoid(out_C)
        return (p * (1 - p)).unsqueeze(0)
    p_C = torch.softmax(out_C, 0)
    eye_CC = torch.eye(len(out_C), dtype=torch.float64)
    return sum(p * torch.outer(p_C - target, p_C - target) for p, target in zip(p_C, eye_CC, strict=True))  # type: ignore[return-value]


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (6, 6)])
@pytest.mark.parametrize("damping", [0.0, 0.3])
def test_both_ways_to_solve_agree_with_a_dense_inverse(shape: tuple[int, int], damping: float) -> None:
    draw = torch.Generator().manual_seed(2)
    rows_RP = torch.randn(shape, generator=draw, dtype=torch.float64)
    rows_RP[0] = rows_RP[1]  # so that the rank is not full
    grad_P = torch.randn(shape[1], generator=draw, dtype=torch.float64)
    fisher_PP = rows_RP.T @ rows_RP + damping * torch.eye(shape[1], dtype=torch.float64)
    expected_P = torch.linalg.pinv(fisher_PP, hermitian=True) @ grad_P
    assert torch.allclose(natural_direction(rows_RP, grad_P, damping), expected_P, rtol=1e-8, atol=1e-8)


def test_a_batch_that_is_too_large_for_the_natural_gradient_is_said_to_be() -> None:
    big = DataProblem(data=DigitsData(examples=1500), model=MlpModel(hidden=(64, 64)))
    lane = Solo(NaturalGradientOptimizer(), build_problem(big, torch.float32, CPU))
    with pytest.raises(Unsupported, match=r"15,000 derivatives of 8,970 parameters.*smaller batch"):
        lane.step()


# OASIS


def test_oasis_by_hand() -> None:
    # The Hessian of ½(x² + 10y²) is diagonal, so that its estimate is exact: Newton's step times ½
    found = path(OasisOptimizer(lr=0.5, adaptive=False), VALLEY, [1.0, 1.0])
    assert found == [pytest.approx(row) for row in ([0.5, 0.5], [0.25, 0.25], [0.125, 0.125])]
    # The floor stands in for the smaller curvature: 1/4 of x, 1/10 of y
    found = path(OasisOptimizer(lr=1.0, adaptive=False, floor=4.0), VALLEY, [1.0, 1.0], 1)
    assert found == [pytest.approx([0.75, 0.0], abs=1e-15)]


def test_oasis_adapts_its_rate_by_hand() -> None:
    # On ¼x⁴, whose curvature 3x² one sign estimates exactly; β₂ = ½. Step 1: D = 3, x = 1 − ½·1/3
    x, before, D, rate, growth = 1.0, None, 3.0, 0.5, math.inf
    expected = []
    for step in range(1, 4):
        D = D if step == 1 else 0.5 * D + 0.5 * 3 * x**2
        if before is not None:
            local = 0.5 * abs(x - before) * D / abs(x**3 - before**3)
            new = min(math.sqrt(1 + growth) * rate, local)
            growth, rate = new / rate, new
        before, x = x, x - rate * x**3 / D
        expected.append(x)
    assert expected[:2] == pytest.approx([5 / 6, 0.718864], abs=1e-6)
    found = path(OasisOptimizer(lr=0.5, beta2=0.5, floor=1e-6), QUARTIC, [1.0])
    assert [row[0] for row in found] == pytest.approx(expected, abs=1e-12)


# Too large


@pytest.mark.parametrize(
    ("spec", "alternative"),
    [
        (NewtonOptimizer(), "take saddle-free Newton with method lanczos"),
        (SaddleFreeNewtonOptimizer(method="dense"), "take method lanczos"),
    ],
)
def test_a_hessian_that_is_too_large_is_refused_with_an_alternative(spec: OptimizerSpec, alternative: str) -> None:
    wide = DataProblem(data=DigitsData(examples=20), model=MlpModel(hidden=(40,)))
    sentence = rule_of(spec).unsupported(spec, build_problem(wide, torch.float32, CPU))
    assert sentence is not None
    assert "up to 2,000 parameters" in sentence
    assert "3,010" in sentence
    assert alternative in sentence
    assert rule_of(spec).unsupported(spec, build("moons-relu-kaiming")) is None
