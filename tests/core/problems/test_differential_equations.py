"""Differential equations: derivatives against differentiation, closed forms, known condition numbers and solutions."""

import math
from itertools import product

import pytest
import torch
from torch import Tensor
from torch.func import grad, jvp

from backend.core.analyses.base import Moment
from backend.core.curvature.hvp import hessian
from backend.core.problems.build import build_problem
from backend.core.problems.pde.equation import Equation, bubble
from backend.core.problems.pde.jets import Jet, coordinates, multiply, swish
from backend.core.problems.pde.lattice import korobov, lattice, worst_case
from backend.core.problems.pde.problem import DifferentialEquation, equation_of
from backend.core.problems.pde.trial import Trial
from backend.core.runtime.seeding import generator
from backend.schemas.problem import PdeProblem
from backend.schemas.problem.pde import AdvectionPde, AnyPde, HeatPde, NetworkAnsatz, PoissonPde, SinesAnsatz
from tests.cases import CPU, EQUATIONS, build, over

# Forward-mode differentiation scripts its own rules when it is first used.
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")

EXACT = {"rtol": 1e-10, "atol": 1e-10}


def problem_of(spec: AnyPde, dtype: torch.dtype = torch.float64) -> DifferentialEquation:
    problem = build_problem(PdeProblem(pde=spec), dtype, CPU)
    assert isinstance(problem, DifferentialEquation)
    return problem


def written_out(spec: AnyPde, params: dict[str, Tensor], x_D: Tensor) -> Tensor:
    """u at one point, from the definitions."""
    equation, place = equation_of(spec), x_D.unsqueeze(0)
    if isinstance(spec.ansatz, SinesAnsatz):
        free = equation.waves(place, spec.ansatz.modes).value[0] @ params["coefficients"][0]
    else:
        s = params["in.weight"] @ equation.features(place).value[0] + params["in.bias"]
        for block in range(sum(name.endswith("0.weight") for name in params)):
            inner = [params[f"blocks.{block}.{layer}.{part}"] for layer in (0, 1) for part in ("weight", "bias")]
            z = inner[0] @ s + inner[1]
            z = inner[2] @ (z * torch.sigmoid(z)) + inner[3]
            s = s + z * torch.sigmoid(z)
        free = (params["out.weight"] @ s + params["out.bias"])[0] * equation.envelope(place).value[0, 0]
    lift = equation.lift(place)
    return free if lift is None else free + lift.value[0, 0]


def bend(u: object, x_D: Tensor, coordinate: int) -> Tensor:
    """∂²u/∂xⱼ² by forward-over-reverse differentiation."""
    along_D = torch.eye(len(x_D), dtype=x_D.dtype)[coordinate]
    return jvp(grad(u), (x_D,), (along_D,))[1][coordinate]  # type: ignore[arg-type]


def loss_by_hand(spec: AnyPde, params: dict[str, Tensor], x_ND: Tensor) -> Tensor:
    """The equation's loss, point by point, from the definitions."""
    losses = []
    for x_D in x_ND:

        def u(at_D: Tensor) -> Tensor:
            return written_out(spec, params, at_D)

        slope_D = grad(u)(x_D)
        match spec:
            case PoissonPde(method="galerkin", dim=dim):
                f = math.pi**2 * dim * torch.sin(math.pi * x_D).prod()
                losses.append((-sum(bend(u, x_D, j) for j in range(dim)) - f) ** 2)
            case PoissonPde(dim=dim):
                f = math.pi**2 * dim * torch.sin(math.pi * x_D).prod()
                losses.append(0.5 * slope_D.square().sum() - f * u(x_D))
            case AdvectionPde(frame="eulerian", speed=speed):
                losses.append((slope_D[1] + speed * slope_D[0]) ** 2)
            case AdvectionPde():
                losses.append(slope_D[1] ** 2)
            case HeatPde(diffusivity=diffusivity):
                losses.append((slope_D[1] - diffusivity * bend(u, x_D, 0)) ** 2)
    return torch.stack(losses).mean()


@over(EQUATIONS)
def test_loss_and_gradient_are_those_of_forward_over_reverse(name: str) -> None:
    spec, problem = EQUATIONS[name].pde, build(name)
    assert problem.train is not None
    params_P, buffers_B = problem.params0(3)
    off_P = torch.randn(len(params_P), generator=generator(0, "off"), dtype=params_P.dtype)  # biases start at 0
    params_P = (params_P + 0.1 * off_P).requires_grad_()
    loss = problem.loss(params_P, buffers_B)
    by_hand = loss_by_hand(spec, problem.layout.unflatten(params_P), problem.train.x)
    torch.testing.assert_close(loss, by_hand, **EXACT)
    torch.testing.assert_close(*(torch.autograd.grad(each, params_P)[0] for each in (loss, by_hand)), **EXACT)


@over(EQUATIONS)
def test_loss_is_its_criterion_of_its_outputs_on_any_points(name: str) -> None:
    problem = build(name)
    params_P, buffers_B = problem.params0(1)
    assert problem.train is not None
    outputs = problem.outputs(params_P, buffers_B, problem.train.x.clone())
    assert problem.criterion(outputs, problem.train.y) == problem.loss(params_P, buffers_B)
    assert problem.evaluate(params_P, buffers_B, problem.train) == (problem.loss(params_P, buffers_B).item(), None)


def test_a_jet_s_laplacian_is_the_closed_form() -> None:
    x_ND = torch.rand(20, 3, generator=generator(0, "x"), dtype=torch.float64)
    ones_D = torch.ones(3, dtype=torch.float64)
    x = coordinates(x_ND)
    squares = multiply(x, x, ones_D)  # each coordinate's square: slope 2x, Laplacian 2
    torch.testing.assert_close(squares.bend, torch.full_like(x_ND, 2.0))
    first, other = (Jet(x.value[:, [j]], x.slope[:, :, [j]], torch.zeros(20, 1, dtype=torch.float64)) for j in (0, 1))
    x_y = multiply(first, other, ones_D)
    torch.testing.assert_close(x_y.bend, torch.zeros(20, 1, dtype=torch.float64))
    found, (a, b, c) = bubble(x_ND), (x_ND * (1 - x_ND)).T
    torch.testing.assert_close(found.bend, -2 * (b * c + a * c + a * b).unsqueeze(1), **EXACT)
    logistic = swish(x, ones_D)  # d²/dz² of z·σ(z)
    s = torch.sigmoid(x_ND)
    torch.testing.assert_close(logistic.bend, 2 * s * (1 - s) + x_ND * s * (1 - s) * (1 - 2 * s), **EXACT)


SOLUTIONS = [
    PoissonPde(dim=1), PoissonPde(dim=2), PoissonPde(dim=10, method="ritz"), AdvectionPde(speed=2.5),
    AdvectionPde(frame="lagrangian"), HeatPde(diffusivity=0.3),
]  # fmt: skip


@pytest.mark.parametrize("spec", SOLUTIONS, ids=lambda spec: f"{spec.kind}-{spec.coordinates}")
def test_the_exact_solution_solves_the_equation(spec: AnyPde) -> None:
    equation: Equation = equation_of(spec)
    low_D, high_D = torch.tensor(equation.box, dtype=torch.float64).T
    unit_ND = torch.rand(5, spec.coordinates, generator=generator(1, "x"), dtype=torch.float64)
    for x_D in low_D + (high_D - low_D) * unit_ND:

        def u(at_D: Tensor) -> Tensor:
            return equation.exact(at_D.unsqueeze(0))[0, 0]

        slope_D, bends = grad(u)(x_D), [bend(u, x_D, j) for j in range(spec.coordinates)]
        match spec:
            case PoissonPde():
                left = -sum(bends)
            case AdvectionPde(frame="eulerian", speed=speed):
                left = slope_D[1] + speed * slope_D[0]
            case AdvectionPde():
                left = slope_D[1]
            case HeatPde(diffusivity=diffusivity):
                left = slope_D[1] - diffusivity * bends[0]
        torch.testing.assert_close(left, equation.source(x_D.unsqueeze(0))[0, 0], **EXACT)


@over(EQUATIONS)
def test_known_values_are_kept_whatever_the_parameters(name: str) -> None:
    spec = EQUATIONS[name].pde
    trial = Trial(spec, equation_of(spec), torch.float64, CPU)
    edges = [0.0, 0.37, 1.0]
    corners = torch.tensor(list(product(edges, repeat=min(spec.coordinates, 2))), dtype=torch.float64)
    unit_ND = torch.cat([corners, torch.full((len(corners), spec.coordinates - corners.shape[1]), 0.5)], 1)
    known = (unit_ND[:, 1] == 0) if spec.coordinates == 2 and not isinstance(spec, PoissonPde) else False
    if not isinstance(spec, AdvectionPde):
        space_ND = unit_ND if isinstance(spec, PoissonPde) else unit_ND[:, :1]
        known = known | ((space_ND == 0) | (space_ND == 1)).any(1)
    x_ND = trial.place(unit_ND[known].double())
    params_P = torch.randn(trial.ansatz.layout.size, generator=generator(0, "p"), dtype=torch.float64)
    torch.testing.assert_close(trial.at(params_P, trial.known(x_ND)).value, trial.equation.exact(x_ND), **EXACT)


@pytest.mark.parametrize("modes", [4, 8, 16])
@pytest.mark.parametrize(("method", "power"), [("galerkin", 4), ("ritz", 2)])
def test_condition_of_the_sine_series(method: str, power: int, modes: int) -> None:
    """The Hessian is diag(k⁴π⁴) for the residual and diag(½k²π²) for the energy."""
    spec = PoissonPde(method=method, points=50, ansatz=SinesAnsatz(modes=modes))  # type: ignore[arg-type]
    problem = problem_of(spec)
    H = hessian(problem, Moment(0, *problem.params0(0))).apply(torch.eye(modes, dtype=torch.float64))
    k_K = torch.arange(1, modes + 1, dtype=torch.float64)
    expected_K = (k_K * math.pi) ** 4 if power == 4 else 0.5 * (k_K * math.pi) ** 2
    torch.testing.assert_close(H, torch.diag(expected_K), rtol=1e-9, atol=1e-9 * float(expected_K.max()))
    values = torch.linalg.eigvalsh(H)
    assert float(values[-1] / values[0]) == pytest.approx(modes**power, rel=1e-9)


def condition(speed: float, frame: str) -> float:
    spec = AdvectionPde(speed=speed, frame=frame, points=4001, ansatz=SinesAnsatz(modes=4))  # type: ignore[arg-type]
    problem = problem_of(spec)
    H = hessian(problem, Moment(0, *problem.params0(0))).apply(torch.eye(8, dtype=torch.float64))
    values = torch.linalg.eigvalsh(H)
    return float(values[-1] / values[0])


def test_advection_is_as_easy_at_any_speed_where_the_frame_moves_along() -> None:
    """Eulerian: κ = (1 + β²K²/3)/(1 + β²/3) for K waves, which grows with β; Lagrangian: κ = 1."""
    moving = [condition(speed, "lagrangian") for speed in (0.0, 1.0, 10.0)]
    assert moving == pytest.approx([1.0] * 3, rel=0.05)
    resting = [condition(speed, "eulerian") for speed in (1.0, 3.0, 10.0)]
    # t·(aₖ cos kx + bₖ sin kx) has the residual (cos kx − βkt sin kx, …): the blocks of one k are (1 + β²k²/3)/2 · I.
    expected = [(1 + (4 * speed) ** 2 / 3) / (1 + speed**2 / 3) for speed in (1.0, 3.0, 10.0)]
    assert resting == pytest.approx(expected, rel=0.02)
    assert resting[0] < resting[1] < resting[2]


def test_lattices_are_even() -> None:
    assert lattice(500, 1)[:, 0].tolist() == [(i + 0.5) / 500 for i in range(500)]
    for points, size in ((100, 2), (97, 10), (2, 2), (3, 10)):
        x_ND = lattice(points, size)
        middles = (torch.arange(points, dtype=torch.float64) + 0.5) / points
        for j in range(size):
            torch.testing.assert_close(torch.from_numpy(x_ND[:, j]).sort().values, middles)
    fair = [worst_case(korobov(89, 2, a)) for a in range(1, 89)]
    assert worst_case(lattice(89, 2)) == min(fair) < 0.1 * max(fair)


def test_fresh_points_are_drawn_only_where_they_are_asked_for() -> None:
    fixed, fresh = (problem_of(HeatPde(points=12, sampling=how)).solution for how in ("midpoints", "random"))  # type: ignore[arg-type]
    assert fixed is not None
    assert fresh is not None
    assert fixed.draw(None, generator(0, "p")) is None
    one, again, other = (fresh.draw(None, generator(seed, "p")) for seed in (0, 0, 1))
    assert one is not None
    assert again is not None
    assert other is not None
    assert torch.equal(one.x, again.x)
    assert not torch.equal(one.x, other.x)
    assert (len(one), len(fresh.draw(5, generator(0, "p")) or ())) == (12, 5)


def test_error_of_the_solution_itself_is_nothing_and_of_nothing_is_all() -> None:
    problem = problem_of(PoissonPde(ansatz=SinesAnsatz(modes=3)))
    assert problem.solution is not None
    for coefficients, error in (((1.0, 0.0, 0.0), 0.0), ((0.0, 0.0, 0.0), 1.0), ((1.0, 0.0, -0.3), 0.3)):
        params_P = torch.tensor(coefficients, dtype=torch.float64)
        assert problem.solution.error(params_P) == pytest.approx(error, abs=1e-12)
    shown = problem.solution.section(torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64))
    torch.testing.assert_close(shown.u, shown.exact, **EXACT)
    assert (float(shown.s[0]), float(shown.s[-1])) == (0.0, 1.0)


@pytest.mark.parametrize("method", ["galerkin", "ritz"])
def test_a_network_learns_the_solution(method: str) -> None:
    """A short training; ``benchmarks/studies/roughness_replication.py`` has the whole one."""
    problem = problem_of(PoissonPde(method=method, points=100))  # type: ignore[arg-type]
    params_P, buffers_B = problem.params0(0)
    params_P.requires_grad_()
    assert problem.solution is not None
    before = problem.solution.error(params_P.detach())
    optimizer = torch.optim.Adam([params_P], lr=0.02)
    for _ in range(200):
        (params_P.grad,) = torch.autograd.grad(problem.loss(params_P, buffers_B), params_P)
        optimizer.step()
    assert problem.solution.error(params_P.detach()) < min(0.05, 0.1 * before)


def test_a_series_of_more_dimensions_is_refused() -> None:
    with pytest.raises(ValueError, match="sines are for one dimension, and dim is 2; use the network"):
        PoissonPde(dim=2, ansatz=SinesAnsatz())


def test_sizes_follow_the_coordinates_unless_they_are_given() -> None:
    sizes = {dim: problem_of(PoissonPde(dim=dim, points=4)).layout.size for dim in (1, 2, 10)}  # type: ignore[arg-type]
    assert sizes == {1: 53, 2: 481, 10: 2761}
    assert problem_of(PoissonPde(points=4, ansatz=NetworkAnsatz(width=7, blocks=0))).layout.size == 7 + 7 + 7 + 1
