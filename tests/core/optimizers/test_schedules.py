"""Schedules against their formulas, written out step by step."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.core.optimizers.schedules import factor
from backend.schemas.optimizer.schedule import (
    SCHEDULE_KINDS,
    ConstantSchedule,
    CosineSchedule,
    LinearSchedule,
    OneCycleSchedule,
    RestartsSchedule,
    StepSchedule,
)

LENGTHS = st.integers(1, 400)


@given(LENGTHS, st.data())
def test_constant_is_one(steps: int, data: st.DataObject) -> None:
    assert factor(ConstantSchedule(), data.draw(st.integers(0, steps - 1)), steps) == 1.0


@given(LENGTHS, st.integers(0, 500), st.floats(0.0, 1.0))
def test_cosine_follows_its_formula(steps: int, warmup: int, final: float) -> None:
    spec = CosineSchedule(final=final, warmup=warmup)
    for t in range(steps):
        if t < warmup:
            expected = (t + 1) / warmup
        else:
            expected = final + (1 - final) * (1 + math.cos(math.pi * (t - warmup) / (steps - warmup))) / 2
        assert factor(spec, t, steps) == pytest.approx(expected, abs=1e-12)


@given(LENGTHS, st.integers(0, 500), st.integers(0, 500), st.floats(0.0, 1.0))
def test_linear_is_the_lowest_of_its_three_lines(steps: int, warmup: int, cooldown: int, final: float) -> None:
    spec = LinearSchedule(warmup=warmup, cooldown=cooldown, final=final)
    for t in range(steps):
        lines = [1.0]
        if warmup > 0:
            lines.append((t + 1) / warmup)
        if cooldown > 0:
            lines.append(final + (1 - final) * (steps - t) / cooldown)
        assert factor(spec, t, steps) == pytest.approx(min(lines), abs=1e-12)


def test_a_trapezium_by_hand() -> None:
    spec = LinearSchedule(warmup=2, cooldown=4, final=0.2)
    found = [factor(spec, t, 10) for t in range(10)]
    assert found == pytest.approx([0.5, 1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4])


def test_half_a_cosine_by_hand() -> None:
    found = [factor(CosineSchedule(warmup=1), t, 5) for t in range(5)]
    assert found == pytest.approx([1, 1, (1 + math.sqrt(0.5)) / 2, 0.5, (1 - math.sqrt(0.5)) / 2])


@given(st.sampled_from(SCHEDULE_KINDS), LENGTHS, st.data())
def test_every_schedule_stays_between_0_and_1(kind: type, steps: int, data: st.DataObject) -> None:
    assert 0.0 <= factor(kind(), data.draw(st.integers(0, steps - 1)), steps) <= 1.0


def _torchs(make: Callable[[torch.optim.Optimizer], Any], steps: int) -> list[float]:
    """The rates of a scheduler of torch, of an optimizer of rate 1."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = make(optimizer)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(("period", "growth"), [(7, 1), (4, 2), (1, 3)])
def test_warm_restarts_are_torchs(period: int, growth: int) -> None:
    spec = RestartsSchedule(period=period, growth=float(growth), final=0.1)
    theirs = _torchs(lambda o: torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(o, period, growth, eta_min=0.1), 60)
    assert [factor(spec, t, 60) for t in range(60)] == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize("steps", [10, 57, 300])
def test_one_cycle_is_torchs(steps: int) -> None:
    spec = OneCycleSchedule(rise=0.3, start=0.04, final=0.004)
    theirs = _torchs(
        lambda o: torch.optim.lr_scheduler.OneCycleLR(
            o, max_lr=1.0, total_steps=steps + 1, div_factor=25.0, final_div_factor=10.0, cycle_momentum=False
        ),
        steps,
    )
    ours = [factor(spec, t, steps + 1) for t in range(steps)]
    assert ours == pytest.approx(theirs, abs=1e-12)
    assert factor(spec, steps, steps + 1) == pytest.approx(0.004)


def test_steps_are_torchs_milestones_and_may_rise() -> None:
    theirs = _torchs(lambda o: torch.optim.lr_scheduler.MultiStepLR(o, [3, 8], gamma=0.1), 12)
    assert [factor(StepSchedule(at=(3, 8), factors=(0.1, 0.01)), t, 12) for t in range(12)] == pytest.approx(theirs)
    rising = StepSchedule(at=(0, 2), factors=(2.0, 4.0))
    assert [factor(rising, t, 4) for t in range(4)] == [2.0, 2.0, 4.0, 4.0]
    assert factor(StepSchedule(at=(), factors=()), 5, 10) == 1.0


@pytest.mark.parametrize(
    ("at", "factors", "sentence"),
    [
        ((1, 2), (0.5,), "expected one factor for each step, got 2 steps and 1 factors"),
        ((5, 5), (0.5, 0.1), "expected steps that rise"),
        ((8, 5), (0.5, 0.1), "expected steps that rise"),
    ],
)
def test_steps_without_sense_are_refused(at: tuple[int, ...], factors: tuple[float, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        StepSchedule(at=at, factors=factors)
