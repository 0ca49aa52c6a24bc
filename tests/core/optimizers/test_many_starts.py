"""Many starts at once, and many learning rates at once, against one lane after the other."""

from collections.abc import Generator
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from backend.core.optimizers.many import PROPORTIONAL, TOGETHER, Ends, walks, walks_by_rate
from backend.core.problems.function import FunctionMinimisation
from backend.schemas.optimizer import OPTIMIZER_KINDS, AdamOptimizer, SgdOptimizer, XGradOptimizer
from backend.schemas.optimizer.newton import NewtonOptimizer
from backend.schemas.optimizer.rmsprop import RmspropOptimizer
from tests.cases import build
from tests.core.optimizers.solo import Solo

STARTS = torch.tensor([[-1.2, 1.0], [0.3, -0.4], [1.5, 2.0], [-0.5, 0.5], [0.0, 0.0]], dtype=torch.float64)
SPECS: dict[str, Any] = {
    kind.model_fields["kind"].default: kind()
    for kind in OPTIMIZER_KINDS
    if kind.model_fields["kind"].default in TOGETHER
} | {
    "sgd": SgdOptimizer(lr=1e-3),
    "momentum": SgdOptimizer(lr=1e-4, momentum=0.9),
    "nesterov": SgdOptimizer(lr=1e-4, momentum=0.9, nesterov=True, weight_decay=0.1),
    "rmsprop-momentum": RmspropOptimizer(lr=1e-3, momentum=0.5),
    "amsgrad": AdamOptimizer(lr=0.01, amsgrad=True, weight_decay=0.01),
    "xgrad": XGradOptimizer(lr=1e-4),
    "xgrad-adam": XGradOptimizer(lr=1e-3, base="adam"),
}


def rosenbrock() -> FunctionMinimisation:
    return cast("FunctionMinimisation", build("rosenbrock"))


def ended(walk: Generator[None, None, Ends]) -> tuple[int, Ends]:
    count = 0
    while True:
        try:
            next(walk)
        except StopIteration as stop:
            return count, stop.value
        count += 1


def one_by_one(spec: Any, starts: Tensor, steps: int) -> Tensor:
    return torch.stack([Solo(spec, rosenbrock(), start).walk(steps)[-1] for start in starts])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", list(SPECS))
def test_many_starts_at_once_are_each_of_them_alone(name: str) -> None:
    count, ends = ended(walks(rosenbrock(), SPECS[name], STARTS, 50))
    expected = one_by_one(SPECS[name], STARTS, 50)
    assert bool(torch.isfinite(expected).all())
    assert not torch.equal(expected, STARTS)
    assert torch.allclose(ends.points_NP, expected, rtol=0, atol=1e-10)
    assert (count, ends.evaluations) == (50, 50.0)


@pytest.mark.parametrize("name", [name for name, spec in SPECS.items() if spec.kind in PROPORTIONAL])
def test_many_rates_at_once_are_each_of_them_alone(name: str) -> None:
    rates = torch.tensor([1e-5, 3e-4, 1e-3], dtype=torch.float64)
    _, ends = ended(walks_by_rate(rosenbrock(), SPECS[name], STARTS[0], rates, 50))
    expected = torch.cat(
        [one_by_one(SPECS[name].model_copy(update={"lr": rate}), STARTS[:1], 50) for rate in rates.tolist()]
    )
    assert torch.allclose(ends.points_NP, expected, rtol=0, atol=1e-10)
    assert float((ends.points_NP[0] - ends.points_NP[2]).abs().max()) > 1e-6


def test_a_start_that_diverges_touches_no_other() -> None:
    spec = SgdOptimizer(lr=2e-3)
    wild = torch.tensor([[50.0, 50.0]], dtype=torch.float64)
    _, ends = ended(walks(rosenbrock(), spec, torch.cat((STARTS, wild)), 50))
    assert not bool(torch.isfinite(ends.points_NP[-1]).all())
    assert torch.allclose(ends.points_NP[:-1], one_by_one(spec, STARTS, 50), rtol=0, atol=1e-10)


def test_other_rules_take_one_start_after_the_other() -> None:
    spec = NewtonOptimizer(damping=0.0)
    count, ends = ended(walks(rosenbrock(), spec, STARTS[:3], 8))
    assert count == 24
    assert torch.equal(ends.points_NP, one_by_one(spec, STARTS[:3], 8))
    assert ends.evaluations == 8 * 6


def test_no_starts_are_no_trouble() -> None:
    for spec in (SgdOptimizer(), NewtonOptimizer()):
        assert ended(walks(rosenbrock(), spec, STARTS[:0], 5))[1].points_NP.shape == (0, 2)


def test_a_rule_that_is_not_proportional_to_its_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="got xgrad"):
        next(walks_by_rate(rosenbrock(), XGradOptimizer(), STARTS[0], torch.ones(2), 5))
