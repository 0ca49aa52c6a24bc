"""The policy by which moments are kept."""

from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.core.analyses.base import Moment
from backend.core.runtime.snapshots import MOST, OVERHEAD, KeptMoments, capacity_of

CAPACITIES = st.integers(2, 60)
LENGTHS = st.integers(0, 1500)


def _moment(step: int) -> Moment:
    return Moment(step, torch.zeros(0), torch.zeros(0))


def _after(capacity: int, last: int, first: int = 0) -> KeptMoments:
    kept = KeptMoments(capacity)
    for step in range(first, last + 1):
        if kept.wants(step):
            kept.add(_moment(step))
    return kept


@given(CAPACITIES, LENGTHS, st.integers(0, 10**6))
def test_first_and_last_are_kept_within_the_capacity(capacity: int, last: int, first: int) -> None:
    kept = _after(capacity, first + last, first)
    path = [moment.step for moment in kept.path(_moment(first + last))]
    assert path[0] == first
    assert path[-1] == first + last
    assert path == sorted(set(path))
    assert len(path) <= capacity


@given(CAPACITIES, LENGTHS)
def test_the_beginning_is_dense_and_the_rest_is_even(capacity: int, last: int) -> None:
    steps = list(_after(capacity, last).steps)
    dense = capacity // 4
    front = [step for step in steps if step < dense]
    assert front == list(range(min(dense, last + 1)))
    gaps = {second - first for first, second in pairwise(steps) if first >= dense}
    assert len(gaps) <= 1
    assert all(gap & (gap - 1) == 0 for gap in gaps)


@given(CAPACITIES, LENGTHS)
def test_at_least_half_of_the_room_beyond_the_dense_front_is_used(capacity: int, last: int) -> None:
    kept, dense = len(_after(capacity, last).steps), capacity // 4
    assert kept >= min(last + 1, dense + (capacity - dense) // 2 - 2)


@given(CAPACITIES, LENGTHS)
def test_what_is_kept_is_a_function_of_the_steps_alone(capacity: int, last: int) -> None:
    offered = KeptMoments(capacity)
    for step in range(last + 1):
        if offered.wants(step):
            offered.add(_moment(step))
    again = _after(capacity, last)
    assert offered.steps == again.steps
    shifted = _after(capacity, last + 512, 512)
    assert [step - 512 for step in shifted.steps] == list(again.steps)


@given(CAPACITIES, LENGTHS)
def test_what_is_dropped_is_said(capacity: int, last: int) -> None:
    kept, known = KeptMoments(capacity), set()
    for step in range(last + 1):
        if kept.wants(step):
            still = kept.add(_moment(step))
            known.add(step)
            if still is not None:
                assert known > set(still)
                known = set(still)
        assert known == set(kept.steps)
        assert kept.holds(step) == (step in known)


@given(st.floats(0, 1e12), st.integers(1, 256), st.integers(0, 10**9))
def test_the_budget_bounds_what_all_lanes_take(budget: float, lanes: int, size: int) -> None:
    capacity = capacity_of(budget, lanes, size)
    assert 2 <= capacity <= MOST
    assert capacity == 2 or lanes * capacity * (size + OVERHEAD) <= budget


def test_a_race_of_300_steps_on_digits_is_kept_whole() -> None:
    values = 4 * 3466
    kept = _after(capacity_of(64e6, 4, values), 300)
    assert list(kept.steps) == list(range(301))
