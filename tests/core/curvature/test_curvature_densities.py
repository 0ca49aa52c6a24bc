"""Random estimates of trace, diagonal and spectrum, within three standard errors of the dense ones."""

import math

import pytest
import torch
from torch import Tensor

from backend.core.curvature.eigenpairs import finish
from backend.core.curvature.hutchinson import hutchinson
from backend.core.curvature.hvp import hessian
from backend.core.curvature.preconditioned import preconditioned
from backend.core.curvature.slq import Density, slq
from tests.core.curvature.curvature_cases import FITTED, Dense, dense_hessian, drawn, over, place


def densely(name: str, scaled: bool) -> tuple[Tensor, Density]:
    """The matrix of a case, preconditioned or not, and its density."""
    problem, moment = place(name)
    A_PP, operator = dense_hessian(problem, moment), hessian(problem, moment)
    if not scaled:
        return A_PP, finish(slq(operator, 10, 24, drawn(8)))
    diagonal_P = 0.1 + torch.rand(len(A_PP), generator=drawn(6), dtype=torch.float64)
    root_P = diagonal_P.rsqrt()
    return root_P * A_PP * root_P.unsqueeze(1), finish(slq(preconditioned(operator, diagonal_P), 10, 24, drawn(8)))


@over(FITTED)
@pytest.mark.parametrize("scaled", [False, True], ids=["hessian", "preconditioned"])
def test_the_density_has_the_matrixs_moments(name: str, scaled: bool) -> None:
    A_PP, density = densely(name, scaled)
    size = len(A_PP)
    grid_G = density.grid()
    curve_G = density.curve(grid_G)
    assert bool((curve_G >= 0).all())
    assert float(torch.trapezoid(curve_G, grid_G)) == pytest.approx(1.0, abs=1e-5)
    for probe in density.probes:
        assert float(probe.weights_M.sum()) == pytest.approx(1.0, abs=1e-10)
    for power, exact in ((1, float(A_PP.trace()) / size), (2, float(A_PP.square().sum()) / size)):
        moment = density.moment(power)
        assert abs(moment.value - exact) <= 3 * moment.stderr + 1e-10, f"moment {power}"
    trace = density.trace
    assert abs(trace.value - float(A_PP.trace())) <= 3 * trace.stderr + 1e-8


@over(FITTED)
def test_trace_and_diagonal_are_within_three_standard_errors(name: str) -> None:
    problem, moment = place(name)
    A_PP = dense_hessian(problem, moment)
    found = finish(hutchinson(hessian(problem, moment), 40, drawn(1)))
    assert found.products == 40
    assert abs(found.trace.value - float(A_PP.trace())) <= 3 * found.trace.stderr + 1e-10
    off = (found.diagonal_P - A_PP.diagonal()).abs()
    inside = (off <= 3 * found.diagonal_stderr_P + 1e-10).double().mean()
    assert float(inside) > 0.97
    assert float(found.diagonal_P.sum()) == pytest.approx(found.trace.value, abs=1e-8)


def test_standard_errors_are_those_of_the_estimator() -> None:
    """Over many estimates, the spread is what each says of itself and what the theory says."""
    Q = torch.randn(12, 12, generator=drawn(), dtype=torch.float64)
    A_PP = Q + Q.T
    runs = [finish(hutchinson(Dense(A_PP), 20, drawn(seed))) for seed in range(400)]
    spread = torch.tensor([run.trace.value for run in runs]).std()
    theory = math.sqrt(2 * float(A_PP.square().sum() - A_PP.diagonal().square().sum()) / 20)
    assert float(spread) == pytest.approx(theory, rel=0.12)
    said = sum(run.trace.stderr for run in runs) / len(runs)
    assert said == pytest.approx(theory, rel=0.05)


def test_a_diagonal_matrix_needs_one_probe() -> None:
    diagonal = torch.linspace(-1, 2, 10, dtype=torch.float64)
    found = next(hutchinson(Dense(torch.diag(diagonal)), 1, drawn()))
    assert found.trace.value == pytest.approx(float(diagonal.sum()))
    assert math.isinf(found.trace.stderr)
    torch.testing.assert_close(found.diagonal_P, diagonal)


def test_every_node_is_an_eigenvalue_where_there_are_enough_steps() -> None:
    values = torch.tensor([-3.0, -1, 0, 0, 2, 2, 5], dtype=torch.float64)
    Q, _ = torch.linalg.qr(torch.randn(7, 7, generator=drawn(), dtype=torch.float64))
    density = finish(slq(Dense(Q * values @ Q.T), 50, 60, drawn(2)))
    for probe in density.probes:
        torch.testing.assert_close(probe.nodes_M, torch.tensor([-3.0, -1, 0, 2, 5]).double(), rtol=0.0, atol=1e-7)
    for value, exact in ((-2.0, 1 / 7), (-0.5, 2 / 7), (1.0, 4 / 7), (9.0, 1.0)):
        share = density.share_below(value)
        assert abs(share.value - exact) <= 3 * share.stderr + 1e-9


def test_bulk_and_outliers_stand_where_they_are() -> None:
    values = torch.cat((torch.linspace(-0.1, 0.1, 190, dtype=torch.float64), torch.full((10,), 5.0).double()))
    Q, _ = torch.linalg.qr(torch.randn(200, 200, generator=drawn(), dtype=torch.float64))
    density = finish(slq(Dense(Q * values @ Q.T), 20, 20, drawn(1)))
    grid_G = density.grid(2001)
    curve_G = density.curve(grid_G)
    outliers = float(torch.trapezoid(curve_G * (grid_G > 2.5), grid_G))
    assert outliers == pytest.approx(0.05, abs=0.02)
    between = (grid_G > 1) & (grid_G < 4)
    assert float(curve_G[between].max()) < 1e-6


def test_densities_come_probe_by_probe() -> None:
    operator = Dense(torch.diag(torch.linspace(0, 1, 30, dtype=torch.float64)))
    seen = list(slq(operator, 6, 3, drawn()))
    whole = [found for found in seen if found is not None]
    assert len(seen) == operator.products == 18
    assert [len(found.probes) for found in whole] == [1, 2, 3]
    assert [found.products for found in whole] == [6, 12, 18]


@pytest.mark.parametrize("A_PP", [torch.zeros(5, 5), torch.eye(5)], ids=["zero", "one"])
def test_a_spectrum_of_one_value_is_one_peak(A_PP: Tensor) -> None:
    density = finish(slq(Dense(A_PP), 4, 2, drawn()))
    grid_G = density.grid()
    curve_G = density.curve(grid_G)
    assert float(torch.trapezoid(curve_G, grid_G)) == pytest.approx(1.0, abs=1e-5)
    assert density.trace.value == pytest.approx(float(A_PP.trace()), abs=1e-6)


@pytest.mark.parametrize("scale", [0.0, 1e-30, 1.0, 1e30])
def test_a_density_can_be_told_in_single_precision(scale: float) -> None:
    """H − G of a last layer is zero: a peak of no width would be infinitely high."""
    density = finish(slq(Dense(scale * torch.eye(5)), 4, 2, drawn()))
    grid_G = density.grid()
    curve_G = density.curve(grid_G).float()
    assert bool(torch.isfinite(curve_G).all())
    assert scale > 0 or bool((grid_G.float().diff() > 0).all())
    assert float(torch.trapezoid(curve_G.double(), grid_G)) == pytest.approx(1.0, abs=1e-5)


def test_nothing_is_estimated_from_nothing() -> None:
    with pytest.raises(ValueError, match="1 probe or more, got 0"):
        finish(hutchinson(Dense(torch.eye(3)), 0, drawn()))
    with pytest.raises(ValueError, match="1 probe or more, got 0"):
        finish(slq(Dense(torch.eye(3)), 5, 0, drawn()))
    with pytest.raises(ValueError, match="1 Lanczos step or more, got 0"):
        finish(slq(Dense(torch.eye(3)), 0, 5, drawn()))
