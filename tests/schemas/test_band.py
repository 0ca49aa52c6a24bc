"""Bands over repeats: against numpy's own quantiles, in whatever pieces the repeats tell, and through divergence."""

import numpy as np
import pytest
from numpy.typing import NDArray

from backend.schemas.band import Bands, quartiles
from backend.schemas.events import AnyEvent, Band, Eval, LaneEnded, TrainChunk


def chunk(repeat: int, steps: range, loss: NDArray[np.float64], lane: str = "SGD") -> TrainChunk:
    here = np.array(steps, np.int32)
    values = loss[np.array(steps) - 1]
    return TrainChunk(
        lane=lane, repeat=repeat, step=here, loss=values, grad_norm=values, lr=values,
        seconds=here * 0.5, evaluations=here * 2.0,
    )  # fmt: skip


def joined(bands: list[Band], split: str = "batch") -> dict[str, NDArray[np.float64]]:
    mine = [band for band in bands if band.split == split]
    names = ("step", "loss", "loss_low", "loss_high", "evaluations", "seconds")
    return {name: np.concatenate([getattr(band, name) for band in mine]) for name in names}


def test_quartiles_are_numpys_where_all_is_finite() -> None:
    random = np.random.default_rng(0)
    for repeats in (1, 2, 3, 4, 7):
        values = random.standard_normal((repeats, 50))
        np.testing.assert_allclose(quartiles(values), np.quantile(values, (0.25, 0.5, 0.75), axis=0), atol=1e-15)


def test_what_does_not_count_is_left_out_and_infinity_counts() -> None:
    values = np.array([[1.0, 1.0, np.nan], [np.nan, 2.0, np.nan], [3.0, np.inf, np.nan], [5.0, np.inf, np.nan]])
    low, median, high = quartiles(values)
    assert (low[0], median[0], high[0]) == (2.0, 3.0, 4.0)
    assert (low[1], median[1], high[1]) == (1.75, np.inf, np.inf)
    assert np.isnan([low[2], median[2], high[2]]).all()


@pytest.mark.parametrize("seed", range(5))
def test_a_band_does_not_hang_on_the_pieces_it_came_in(seed: int) -> None:
    random = np.random.default_rng(seed)
    losses = random.random((3, 40))
    events: list[AnyEvent] = []
    told = [0, 0, 0]
    while min(told) < 40:
        repeat = int(random.integers(3))
        to = min(40, told[repeat] + int(random.integers(1, 9)))
        if to > told[repeat]:
            events.append(chunk(repeat, range(told[repeat] + 1, to + 1), losses[repeat]))
            told[repeat] = to
    bands = Bands(3)
    found = joined([band for event in events for band in bands.fold([event])])
    assert found["step"].tolist() == list(range(1, 41))
    low, median, high = np.quantile(losses, (0.25, 0.5, 0.75), axis=0)
    for name, expected in (("loss_low", low), ("loss", median), ("loss_high", high)):
        np.testing.assert_allclose(found[name], expected, atol=1e-15)
    np.testing.assert_array_equal(found["evaluations"], found["step"] * 2.0)
    np.testing.assert_array_equal(found["seconds"], found["step"] * 0.5)


def test_a_row_waits_for_the_slowest_repeat() -> None:
    bands, losses = Bands(2), np.arange(1.0, 11.0)
    assert list(bands.fold([chunk(0, range(1, 11), losses)])) == []
    (band,) = bands.fold([chunk(1, range(1, 5), losses)])
    assert band.step.tolist() == [1, 2, 3, 4]
    assert band.repeats == 2


def test_a_diverged_repeat_counts_as_the_worst_and_a_cancelled_one_no_more() -> None:
    losses = np.full(10, 2.0)
    for reason, expected in (("diverged", [np.inf, 0.25]), ("cancelled", [2.0, 0.5])):
        bands = Bands(2)
        events: list[AnyEvent] = [chunk(0, range(1, 11), losses), chunk(1, range(1, 5), losses)]
        events += [LaneEnded(lane="SGD", repeat=1, step=4, reason=reason)]  # type: ignore[arg-type]
        events += [Eval(lane="SGD", repeat=0, step=10, split="test", loss=2.0, accuracy=0.5, evaluations=20.0)]
        found = list(bands.fold(events))
        assert joined(found)["loss"].tolist() == [2.0] * 4 + [expected[0]] * 6
        (test,) = [band for band in found if band.split == "test"]
        assert test.accuracy is not None
        assert test.accuracy.tolist() == [expected[1]]
        assert test.evaluations.tolist() == [20.0]


def test_evaluations_make_bands_of_their_own_and_a_regression_has_no_accuracy() -> None:
    bands = Bands(2)
    events = [
        Eval(lane="A", repeat=repeat, step=step, split="train", loss=step + repeat, accuracy=None)
        for step in (0, 10)
        for repeat in (0, 1)
    ]
    (band,) = bands.fold(events)
    assert (band.lane, band.split, band.accuracy) == ("A", "train", None)
    assert band.step.tolist() == [0, 10]
    assert band.loss.tolist() == [0.5, 10.5]


def test_a_race_without_repeats_has_no_bands() -> None:
    assert list(Bands(1).fold([chunk(0, range(1, 11), np.ones(10))])) == []
