"""Each epoch is a permutation of the training split, and a step's batch is a function of seed and step alone."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from backend.core.analyses.train.batches import Batches, permutation
from backend.core.problems.problem import Data

SIZES = st.integers(1, 12)


def _data(examples: int) -> Data:
    return Data(torch.arange(examples, dtype=torch.float64)[:, None] * 10, torch.arange(examples))


def _epoch(batches: Batches, examples: int, size: int, epoch: int) -> list[list[int]]:
    per_epoch = -(-examples // size)
    return [batches.at(epoch * per_epoch + index + 1)[1].tolist() for index in range(per_epoch)]


@given(st.integers(1, 40), SIZES, st.integers(0, 5))
def test_an_epoch_holds_every_example_once_with_a_ragged_end(examples: int, size: int, epoch: int) -> None:
    size = min(size, examples)
    found = _epoch(Batches(_data(examples), size, seed=3), examples, size, epoch)
    assert sorted(row for batch in found for row in batch) == list(range(examples))
    assert [len(batch) for batch in found[:-1]] == [size] * (len(found) - 1)
    assert len(found[-1]) == (examples % size or size)


@given(st.integers(2, 40), SIZES, st.lists(st.integers(1, 60), min_size=1, max_size=12))
def test_the_order_in_which_steps_are_asked_for_makes_no_difference(examples: int, size: int, steps: list[int]) -> None:
    one = Batches(_data(examples), min(size, examples), seed=3)
    for step in steps:
        x, y = one.at(step)
        fresh_x, fresh_y = Batches(_data(examples), min(size, examples), seed=3).at(step)
        assert torch.equal(y, fresh_y)
        assert torch.equal(x, fresh_x)
        assert torch.equal(x[:, 0], 10.0 * y)


def test_epochs_and_seeds_differ() -> None:
    orders = [tuple(permutation(50, seed, epoch).tolist()) for seed in (0, 1) for epoch in (0, 1, 2)]
    assert len(set(orders)) == 6


def test_the_full_batch_keeps_its_order() -> None:
    data = _data(7)
    for size in (None, 7):
        x, y = Batches(data, size, seed=0).at(5)
        assert x is data.x
        assert y is data.y


def test_lanes_share_a_batch_s_tensors() -> None:
    batches = Batches(_data(20), 6, seed=0)
    assert batches.at(4)[0] is batches.at(4)[0]
