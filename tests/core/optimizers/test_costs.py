"""What a step costs in gradient evaluations is what is told: the multiplications are counted, for every rule."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from backend.core.optimizers.objective import Objective
from backend.core.optimizers.registry import OPTIMIZERS, Rule
from backend.core.problems.build import build_problem
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.model import MlpModel
from tests.core.optimizers.solo import Solo

NET = DataProblem(data=DigitsData(examples=64), model=MlpModel(hidden=(16, 16, 16)))
ASKED = ("loss_and_grad", "loss", "losses", "slope", "group_gradients", "jacobian", "hessian", "dense_hessian")
# Their products cost less than the convention says where the first layer is large: its inputs have no gradient.
BY_CONVENTION = {"newton", "saddle_free_newton", "natural_gradient", "oasis", "forward_gradient", "cbo"}


class Counted:
    """Multiplications of what a rule asks of its objective; its own arithmetic does not count."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.flops, self._inside = 0, False
        for name in ASKED:
            monkeypatch.setattr(Objective, name, self._counting(getattr(Objective, name)))

    @contextmanager
    def _count(self) -> Iterator[None]:
        if self._inside:  # one question may ask another
            yield
            return
        self._inside = True
        with FlopCounterMode(display=False) as mode:
            yield
        self.flops += mode.get_total_flops()
        self._inside = False

    def _counting(self, ask: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **more: Any) -> Any:
            with self._count():
                found = ask(*args, **more)
            return self._counting(found) if callable(found) else found  # a Hessian's products

        return counted

    def of(self, step: Callable[[], object]) -> int:
        before = self.flops
        step()
        return self.flops - before


@pytest.mark.parametrize("rule", OPTIMIZERS, ids=lambda rule: rule.spec.model_fields["kind"].default)
def test_a_step_costs_what_is_told(rule: Rule, monkeypatch: pytest.MonkeyPatch) -> None:
    problem, counted = build_problem(NET, torch.float64, torch.device("cpu")), Counted(monkeypatch)
    plain = Solo(OPTIMIZERS[0].spec(), problem)
    gradient = counted.of(plain.step)
    spec = rule.spec()
    solo = Solo(spec, problem)
    solo.step()
    before = solo.evaluations
    spent = counted.of(solo.step) / gradient
    told = solo.evaluations - before
    if spec.kind in BY_CONVENTION:
        assert 0.6 < spent / told < 1.4
    else:
        assert spent == told == pytest.approx(type(spec).gradients)
