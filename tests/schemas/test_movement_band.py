"""Bands of movement: against numpy's quantiles, whatever the order, and without repeats that have ended."""

import numpy as np
import pytest

from backend.schemas.events import LaneEnded, Movement, MovementBand
from backend.schemas.movement_band import NUMBERS, MovementBands

LAYERS = ("weight", "all")


def told(repeat: int, step: int, values: np.ndarray, lane: str = "SGD") -> Movement:
    """``values`` [4, L]."""
    fields = dict(zip(NUMBERS, values, strict=True))
    return Movement(lane=lane, repeat=repeat, step=step, layer=LAYERS, lr=0.1, **fields)


def test_a_band_is_median_and_quartiles_of_all_repeats() -> None:
    values_R4L = np.random.default_rng(0).random((5, 4, 2))
    values_R4L[2, 1, 0] = np.nan
    bands = MovementBands(5)
    before = [band for repeat in (3, 0, 4, 1) for band in bands.fold([told(repeat, 7, values_R4L[repeat])])]
    assert before == []
    (band,) = bands.fold([told(2, 7, values_R4L[2]), told(0, 8, values_R4L[0])])
    assert (band.lane, band.step, band.repeats, band.layer) == ("SGD", 7, 5, LAYERS)
    expected = np.nanquantile(values_R4L, (0.25, 0.5, 0.75), axis=0)
    for i, name in enumerate(NUMBERS):
        for end, value_4L in zip(("_low", "", "_high"), expected, strict=True):
            np.testing.assert_allclose(getattr(band, name + end), value_4L[i], rtol=1e-12)


@pytest.mark.parametrize("told_first", [True, False])
def test_a_repeat_that_has_ended_is_not_waited_for(told_first: bool) -> None:
    bands, values = MovementBands(3), np.ones((4, 2))
    ends = [LaneEnded(lane="SGD", repeat=1, step=4, reason="diverged")]
    others = [told(0, 5, values), told(2, 5, 3 * values), told(0, 4, values)]
    found = list(bands.fold([*others, *ends] if told_first else [*ends, *others]))
    assert [(band.step, band.repeats, band.distance.tolist()) for band in found] == [(5, 2, [2.0, 2.0])]
    assert isinstance(found[0], MovementBand)


def test_looks_at_stored_moments_and_single_seeds_have_none() -> None:
    values = np.ones((4, 2))
    assert list(MovementBands(1).fold([told(0, 1, values)])) == []
    looks = [told(repeat, 1, values).model_copy(update={"point": repeat}) for repeat in (0, 1)]
    assert list(MovementBands(2).fold(looks)) == []
