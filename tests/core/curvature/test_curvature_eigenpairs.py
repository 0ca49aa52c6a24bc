"""Eigenpairs against dense eigenvalues: all of them, as often as they come, with residuals that are true."""

from itertools import pairwise

import pytest
import torch
from torch import Tensor

from backend.core.curvature.eigenpairs import Eigenpairs, Which, finish
from backend.core.curvature.hvp import hessian
from backend.core.curvature.lanczos import lanczos
from backend.core.curvature.lobpcg import lobpcg
from tests.core.curvature.curvature_cases import (
    ANALYTIC,
    FITTED,
    Dense,
    dense_hessian,
    drawn,
    over,
    place,
)


def expected(A_PP: Tensor, k: int, which: Which) -> Tensor:
    values = torch.linalg.eigvalsh(A_PP.double()).flip(0)
    ends = {"largest": values[:k], "smallest": values[-k:], "both": torch.cat((values[:k], values[-k:]))}
    return ends[which]


def check(A_PP: Tensor, pairs: Eigenpairs, values: Tensor, close: float = 1e-6) -> None:
    scale = float(torch.linalg.eigvalsh(A_PP.double()).abs().max())
    torch.testing.assert_close(pairs.values_K, values, rtol=0.0, atol=close * scale)
    V_KP, A_PP = pairs.vectors_KP.double(), A_PP.double()
    residuals = (V_KP @ A_PP - pairs.values_K.unsqueeze(1) * V_KP).norm(dim=1)
    torch.testing.assert_close(residuals, pairs.residuals_K, rtol=1e-2, atol=10 * close**2 * scale)
    torch.testing.assert_close(V_KP @ V_KP.T, torch.eye(len(V_KP)).double(), rtol=0.0, atol=close)


def spectrum(values: Tensor, seed: int = 0) -> Tensor:
    """A symmetric matrix with these eigenvalues."""
    Q, _ = torch.linalg.qr(torch.randn(len(values), len(values), generator=drawn(seed), dtype=torch.float64))
    A_PP = Q * values @ Q.T
    return (A_PP + A_PP.T) / 2


@over(FITTED + ANALYTIC)
@pytest.mark.parametrize("which", ["largest", "both"])
def test_eigenvalues_are_the_dense_ones(name: str, which: Which) -> None:
    problem, moment = place(name)
    dense = dense_hessian(problem, moment)
    k = min(5, len(dense) // 2)
    operator = hessian(problem, moment)
    pairs = finish(lanczos(operator, k, drawn(2), which=which, tol=1e-7))
    assert pairs.converged
    check(dense, pairs, expected(dense, k, which))


@pytest.mark.parametrize("k", [1, 3, 5, 7, 12])
def test_multiple_eigenvalues_come_as_often_as_they_are(k: int) -> None:
    x_NF = torch.randn(50, 20, generator=drawn(), dtype=torch.float64)
    A_PP = torch.kron(torch.eye(5, dtype=torch.float64), 2 / 50 * x_NF.T @ x_NF)
    for which in ("largest", "smallest", "both"):
        operator = Dense(A_PP)
        pairs = finish(lanczos(operator, k, drawn(1), which=which, tol=1e-7))
        assert pairs.converged
        assert pairs.products == operator.products <= 100
        check(A_PP, pairs, expected(A_PP, k, which))


def test_small_residuals_alone_prove_nothing() -> None:
    """One start sees one vector of each eigenspace: tiny residuals, and a wrong list."""
    x_NF = torch.randn(50, 20, generator=drawn(), dtype=torch.float64)
    A_PP = torch.kron(torch.eye(5, dtype=torch.float64), 2 / 50 * x_NF.T @ x_NF)
    one, proven = (finish(lanczos(Dense(A_PP), 3, drawn(), tol=1e-7, prove=prove)) for prove in (False, True))
    distinct = torch.linalg.eigvalsh(2 / 50 * x_NF.T @ x_NF).flip(0)
    torch.testing.assert_close(one.values_K, distinct[:3])
    torch.testing.assert_close(proven.values_K, distinct[0].expand(3))
    assert float(one.residuals_K.max()) < 1e-6
    assert one.products < proven.products


@pytest.mark.parametrize("seed", range(40))
def test_any_spectrum(seed: int) -> None:
    draw = drawn(seed)
    values = torch.randn(60, generator=draw, dtype=torch.float64)
    if seed % 2:  # a few values, each many times
        distinct = int(torch.randint(2, 12, (1,), generator=draw))
        values = values[torch.randint(0, distinct, (60,), generator=draw)]
    A_PP = spectrum(values, seed)
    for k in (1, 9):
        pairs = finish(lanczos(Dense(A_PP), k, draw, tol=1e-6))
        assert pairs.converged
        check(A_PP, pairs, expected(A_PP, k, "largest"))


@pytest.mark.parametrize("which", ["largest", "smallest", "both"])
@pytest.mark.parametrize("room", [13, 20, 40])
def test_little_room_only_costs_products(which: Which, room: int) -> None:
    values = torch.cat(
        (torch.linspace(-1, 1, 120, dtype=torch.float64), torch.tensor([-5.0, -4, 3, 3, 3.5, 6]).double())
    )
    A_PP = spectrum(values)
    pairs = finish(lanczos(Dense(A_PP), 2, drawn(), which=which, tol=1e-6, room=room))
    assert pairs.converged
    check(A_PP, pairs, expected(A_PP, 2, which))


def test_algebraically_largest_is_not_largest_in_magnitude() -> None:
    A_PP = spectrum(torch.tensor([-50.0, -3, 0, 1, 2, 4]).double())
    assert finish(lanczos(Dense(A_PP), 1, drawn())).sharpness == pytest.approx(4.0, rel=1e-3)
    assert finish(lanczos(Dense(A_PP), 1, drawn(), which="smallest")).sharpness == pytest.approx(-50.0, rel=1e-3)


@pytest.mark.parametrize("A_PP", [torch.zeros(9, 9), torch.eye(9), -torch.eye(9)], ids=["zero", "one", "minus"])
def test_spectra_of_one_value(A_PP: Tensor) -> None:
    pairs = finish(lanczos(Dense(A_PP), 4, drawn()))
    assert pairs.converged
    torch.testing.assert_close(pairs.values_K, A_PP.diagonal()[:4].double(), rtol=0.0, atol=1e-5)


def test_float32_reaches_the_tolerance_of_a_plot() -> None:
    problem, moment = place("relu", torch.float32)
    pairs = finish(lanczos(hessian(problem, moment), 5, drawn(), tol=1e-3))
    assert pairs.converged
    dense = dense_hessian(*place("relu"))
    torch.testing.assert_close(pairs.values_K, expected(dense, 5, "largest"), rtol=1e-3, atol=1e-5)


def test_estimates_come_as_they_converge() -> None:
    A_PP = spectrum(
        torch.cat((torch.linspace(-0.1, 0.1, 90, dtype=torch.float64), torch.tensor([1.0, 2, 4, 8]).double()))
    )
    seen = [found for found in lanczos(Dense(A_PP), 4, drawn(), tol=1e-6) if found is not None]
    assert [found.products for found in seen] == sorted({found.products for found in seen})
    settled = [int(found.settled_K.sum()) for found in seen]
    assert settled[0] < settled[-1] == 4
    assert any(0 < count < 4 for count in settled)
    for found in seen:  # an eigenvalue lies within each residual
        distance = (found.values_K.unsqueeze(1) - torch.linalg.eigvalsh(A_PP)).abs().min(1).values
        assert bool((distance <= found.residuals_K + 1e-9).all())


def test_a_spent_budget_is_said() -> None:
    A_PP = spectrum(torch.linspace(0, 1, 200, dtype=torch.float64))
    operator = Dense(A_PP)
    pairs = finish(lanczos(operator, 3, drawn(), tol=1e-8, budget=12))
    assert not pairs.converged
    assert pairs.products == operator.products == 12
    assert float(pairs.residuals_K.max()) > 1e-8
    check(A_PP, pairs, pairs.values_K)


def test_the_same_seed_gives_the_same_bits() -> None:
    first, again = (finish(lanczos(hessian(*place("relu")), 3, drawn(4))) for _ in range(2))
    assert torch.equal(first.values_K, again.values_K)
    assert torch.equal(first.vectors_KP, again.vectors_KP)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"k": 0}, "k of 1 or more, got 0"),
        ({"k": 6}, r"below the number of parameters \(6\), got 6"),
        ({"k": 4, "which": "both"}, "at most half of the 6 parameters"),
        ({"k": 1, "tol": 0.0}, "tolerance above 0"),
        ({"k": 1, "tol": float("nan")}, "tolerance above 0"),
        ({"k": 3, "budget": 2}, "budget of at least one product for each"),
        ({"k": 3, "room": 4}, "room for at least 6 vectors"),
    ],
)
def test_bad_settings_are_refused_in_words(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        finish(lanczos(Dense(torch.eye(6)), generator=drawn(), **settings))  # type: ignore[arg-type]


@over(FITTED)
def test_tracking_finds_what_lanczos_finds(name: str) -> None:
    problem, moment = place(name)
    dense = dense_hessian(problem, moment)
    k = min(3, len(dense) - 1)
    start = torch.randn(k, len(dense), generator=drawn(3), dtype=torch.float64)
    pairs = finish(lobpcg(hessian(problem, moment), start, tol=1e-6, budget=2000))
    assert pairs.converged
    check(dense, pairs, expected(dense, k, "largest"), 1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_a_warm_start_costs_little(dtype: torch.dtype) -> None:
    values = torch.cat((torch.linspace(-0.2, 1, 300, dtype=torch.float64), torch.tensor([3.0, 4, 5, 7]).double()))
    A_PP, change = spectrum(values), spectrum(torch.randn(304, generator=drawn(9), dtype=torch.float64), 5)
    cold = finish(lobpcg(Dense(A_PP.to(dtype)), torch.randn(4, 304, generator=drawn(1)).to(dtype), k=2))
    assert cold.converged
    moved = A_PP + 0.003 * change
    operator = Dense(moved.to(dtype))
    warm = finish(lobpcg(operator, cold.vectors_KP, k=2))
    assert warm.converged
    assert warm.products == operator.products < cold.products / 2
    torch.testing.assert_close(warm.values_K[:2], expected(moved, 2, "largest"), rtol=1e-4, atol=0.0)
    check(moved.to(dtype), warm, warm.values_K, 1e-5)


def test_a_rival_that_may_grow_beyond_is_followed_to_its_end() -> None:
    """The first start vector has settled; the second is below it, and on its way to the largest eigenvalue."""
    values = torch.linspace(0, 0.5, 80, dtype=torch.float64)
    values[:2] = torch.tensor([1.01, 1.0])
    settled, rival = torch.eye(80, dtype=torch.float64)[1], torch.zeros(80, dtype=torch.float64)
    rival[0], rival[2] = 0.98, 0.2  # Rayleigh quotient 0.97
    found = finish(lobpcg(Dense(torch.diag(values)), torch.stack((settled, rival)), k=1, tol=0.02))
    assert found.converged
    assert found.sharpness == pytest.approx(1.01, abs=1e-3)
    rival[2] = 1.0  # Rayleigh quotient 0.44, on its way to 0.9 at most: no rival, and no product is spent on it
    values[0] = 0.9
    below = finish(lobpcg(Dense(torch.diag(values)), torch.stack((settled, rival)), k=1, tol=0.02))
    assert below.sharpness == pytest.approx(1.0, abs=1e-6)
    assert below.products == 2


def test_each_iteration_costs_one_product_a_vector() -> None:
    A_PP = spectrum(torch.linspace(0, 1, 80, dtype=torch.float64))
    spent = [
        found.products
        for found in lobpcg(Dense(A_PP), torch.randn(3, 80, generator=drawn()).double(), tol=1e-9, budget=60)
    ]
    assert [later - earlier for earlier, later in pairwise(spent)] == [3] * (len(spent) - 1)
    assert spent[-1] <= 60


def test_a_start_of_one_direction_is_refused() -> None:
    with pytest.raises(ValueError, match="2 independent start vectors, got 1"):
        finish(lobpcg(Dense(torch.eye(6)), torch.ones(2, 6)))
