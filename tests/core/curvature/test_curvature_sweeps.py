"""Two sweeps through a dense network's layers, against products through autograd's graph."""

import pytest
import torch

from backend.core.curvature import ggn, hvp, sweeps
from backend.core.curvature.ggn import gauss_newton
from backend.core.curvature.graph import graph_bytes
from backend.core.curvature.hvp import hessian
from backend.core.curvature.sweeps import dense_sweeps
from tests.core.curvature.curvature_cases import drawn, over, place

DENSE = (
    "linear-regression", "relu", "gelu-half", "wine-linear", "cancer-logistic-gelu", "moons-relu-kaiming",
    "circles-silu-orthogonal", "spirals-sigmoid-xavier", "chebyshev-half-mse", "sine-linear",
)  # fmt: skip


@over(DENSE)
def test_sweeps_are_what_autograd_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, moment = place(name)
    swept = [make(problem, moment) for make in (hessian, gauss_newton)]
    for module in (hvp, ggn):
        monkeypatch.setattr(module, "dense_sweeps", lambda *args, **settings: None)
    derived = [make(problem, moment) for make in (hessian, gauss_newton)]
    V_KP = torch.randn(4, problem.layout.size, generator=drawn(), dtype=torch.float64)
    gradients = [operator.gradient_P for operator in (swept[0], derived[0])]
    assert gradients[0] is not None
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)
    for ours, theirs in zip(swept, derived, strict=True):
        for count in (1, 4):
            torch.testing.assert_close(ours.apply(V_KP[:count]), theirs.apply(V_KP[:count]), rtol=1e-10, atol=1e-12)


def test_what_does_not_go_at_once_goes_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, moment = place("spirals-sigmoid-xavier")
    assert problem.train is not None
    swept = dense_sweeps(problem, moment.params_P.clone().requires_grad_(), problem.train, whole=True)
    assert swept is not None
    V_KP = torch.randn(7, problem.layout.size, generator=drawn(), dtype=torch.float64)
    alone = torch.cat([swept.through(v_P.unsqueeze(0), batched=False) for v_P in V_KP])
    blocks: list[int] = []
    products = swept._products

    def noted(part_KP: torch.Tensor) -> torch.Tensor:
        blocks.append(len(part_KP))
        return products(part_KP)

    monkeypatch.setattr(swept, "_products", noted)
    for bytes_, expected in ((sweeps.CACHE_BYTES, [4, 3]), (0, [1] * 7)):
        monkeypatch.setattr(sweeps, "CACHE_BYTES", bytes_)
        blocks.clear()
        torch.testing.assert_close(swept.through(V_KP, batched=False), alone, rtol=1e-12, atol=1e-14)
        assert blocks == expected
    blocks.clear()
    torch.testing.assert_close(swept.through(V_KP, batched=True), alone, rtol=1e-12, atol=1e-14)
    assert blocks == [7]


@over(("cnn", "attention", "rosenbrock", "cnn-frozen"))
def test_other_problems_have_none(name: str) -> None:
    problem, moment = place(name)
    data = problem.train
    if data is not None:
        assert dense_sweeps(problem, moment.params_P, data, whole=True) is None


def test_what_is_kept_counts_as_memory() -> None:
    problem, moment = place("relu")
    assert problem.train is not None
    params_P = moment.params_P.clone().requires_grad_()
    kept = dense_sweeps(problem, params_P, problem.train, whole=True)
    assert kept is not None
    examples, widths = len(problem.train), (9, 5)
    hidden = 8 * examples * sum(widths)  # bytes of one tensor of each hidden layer
    assert kept.bytes > 4 * hidden
    assert graph_bytes(lambda part: kept, None) == kept.bytes
