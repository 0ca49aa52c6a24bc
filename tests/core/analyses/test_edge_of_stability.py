"""The edge of stability as it is known: sharpness climbs to the threshold of the learning rate, and stays there."""

from typing import Any

import numpy as np

from backend.schemas.events import AnyEvent, Sharpness
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


def sharpened(problem: dict[str, Any], lr: float, steps: int, every: int) -> list[AnyEvent]:
    probe = {"every": every, "late": "wait", "analysis": {"kind": "sharpness"}}
    lane = {"name": "GD", "optimizer": {"kind": "sgd", "lr": lr}}
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
