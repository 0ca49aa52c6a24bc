"""The edge of stability as it is known: sharpness climbs to the threshold of the learning rate, and stays there."""

from typing import Any

import numpy as np
import pytest

from backend.schemas.events import AnyEvent, LaneEnded, Sharpness
from tests.core.analyses.races import column, of, race, told

CHEBYSHEV = {
    "data": {"kind": "chebyshev", "points": 20, "degree": 4},
    "model": {"kind": "mlp", "hidden": [30, 20]},
    "loss": {"kind": "mse", "factor": 0.5},
}
DIGITS = {
    "data": {"kind": "digits", "examples": 500},
    "model": {"kind": "mlp", "hidden": [32, 32]},
    "loss": {"kind": "mse", "factor": 0.5},
}


def sharpened(
    problem: dict[str, Any], lr: float, steps: int, every: int, change: tuple[int, float] | None = None
) -> list[AnyEvent]:
    probe = {"every": every, "late": "wait", "analysis": {"kind": "sharpness"}}
    lane: dict[str, Any] = {"name": "GD", "optimizer": {"kind": "sgd", "lr": lr}}
    if change is not None:
        lane["schedule"] = {"kind": "step", "at": [change[0]], "factors": [change[1]]}
    return told(race(lane, problem=problem, dtype="float64", steps=steps, eval_every=steps, probes=[probe], tune=False))


def shares(events: list[AnyEvent]) -> dict[int, float]:
    """The sharpness as a share of the threshold, η·λ₁/2, by step."""
    assert all(event.converged for event in of(Sharpness, events))
    return {event.step: float(event.values[0]) / event.threshold for event in of(Sharpness, events)}


def test_on_digits_it_crosses_the_edge_overshoots_and_comes_back() -> None:
    """Measured for three seeds: crosses .95 at steps 70–80, overshoots to 1.30–1.36, then .95–1.11."""
    found = shares(sharpened(DIGITS, 0.2, 320, 10))
    crossing = next(step for step, share in found.items() if share >= 0.95)
    assert found[0] < 0.7
    assert 60 <= crossing <= 180
    assert 1.15 < max(found.values()) < 1.5
    assert all(0.9 < found[step] < 1.15 for step in (300, 310, 320))


def test_on_a_polynomial_it_stays_there_while_the_loss_falls() -> None:
    events = sharpened(CHEBYSHEV, 0.4, 1500, 25)
    found = shares(events)
    late = [share for step, share in found.items() if step > 1000]
    assert 0.97 < float(np.mean(late)) < 1.03
    loss = column(events, "GD")
    assert np.mean(loss[1400:]) < 0.5 * np.mean(loss[500:600])
    assert (np.diff(loss[1000:]) > 0).any()  # up and down over single steps


def test_with_cross_entropy_it_peaks_and_falls_again() -> None:
    """Measured for three seeds at this rate: a peak of .54–.55 at steps 75–175, .036 after 4,000."""
    found = shares(sharpened({**DIGITS, "loss": {"kind": "cross_entropy"}}, 0.2, 600, 25))
    peak = max(found, key=lambda step: found[step])
    assert 50 <= peak <= 250
    assert 0.45 < found[peak] < 0.7
    assert found[600] < 0.6 * found[peak]


@pytest.mark.parametrize("factor", [1.5, 2.0])
def test_a_raised_rate_brings_it_down_to_the_new_line(factor: float) -> None:
    """Measured for three seeds: within 10 % after 30–40 steps."""
    found = shares(sharpened(DIGITS, 0.2, 460, 10, change=(400, factor)))
    assert found[400] > 1.35  # the threshold is that of the step that comes next
    assert min(abs(found[step] - 1) for step in range(410, 461, 10)) <= 0.1


def test_after_a_lowered_rate_it_only_climbs() -> None:
    found = shares(sharpened(DIGITS, 0.2, 600, 20, change=(400, 0.5)))
    assert 0.5 < found[400] < 0.6
    later = [found[step] for step in range(400, 601, 20)]
    assert later == sorted(later)
    assert later[-1] < 0.9


def test_on_a_polynomial_a_doubled_rate_blows_up() -> None:
    """Measured for five seeds at each of two rates: ten of ten, 8–27 steps after the change."""
    events = sharpened(CHEBYSHEV, 0.2, 1700, 1000, change=(1500, 2.0))
    (ended,) = of(LaneEnded, events)
    assert ended.reason == "diverged"
    assert 1500 < ended.step < 1560
