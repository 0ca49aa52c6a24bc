"""Schedules against their formulas, written out step by step."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.core.optimizers.schedules import factor
from backend.schemas.optimizer.schedule import SCHEDULE_KINDS, ConstantSchedule, CosineSchedule, LinearSchedule

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
