"""Movement along a race and of a stored one: what rules must give, from the kept moments alone."""

from typing import Any

import numpy as np
import pytest

from backend.core.analyses.base import Context, Path, Point
from backend.core.analyses.movement import MOVEMENT
from backend.schemas.analysis import MovementAnalysis
from backend.schemas.events import Movement, ResolvedPoint, Started
from tests.core.analyses.races import ADAM, BOWL, MOMENTUM, SGD, WILD, Kept, column, of, problem_of, race, told

PROBE = {"every": 2, "late": "wait", "analysis": {"kind": "movement"}}
EVERY = {**PROBE, "every": 1}


@pytest.mark.parametrize("tune", [False, True])
def test_gradient_descent_s_effective_step_is_its_rate_under_a_schedule(tune: bool) -> None:
    """Also where the lanes' gradients come from one program."""
    lanes = [{**SGD, "schedule": {"kind": "cosine"}}, {**SGD, "name": "half", "optimizer": {"kind": "sgd", "lr": 0.05}}]
    request = race(*lanes, dtype="float64", steps=6, batch_size=20, probes=[EVERY], tune=tune)
    events = told(request)
    for lane in ("SGD", "half"):
        looks = of(Movement, events, lane=lane)
        assert [look.step for look in looks] == list(range(7))
        assert np.isnan(looks[0].effective_step).all()
        for look, rate in zip(looks[1:], column(events, lane, "lr"), strict=True):
            np.testing.assert_allclose(look.effective_step, rate, rtol=1e-9)
            assert look.lr == rate
    assert len({look.lr for look in of(Movement, events, lane="SGD")}) == 7  # None, and a rate of its own at each step


def test_all_rules_are_told_from_the_kept_moments() -> None:
    kept, request = Kept(), race(SGD, MOMENTUM, ADAM, dtype="float64", steps=6, probes=[PROBE], tune=False)
    events = told(request, Context(seed=0, keeper=kept))
    for lane in ("SGD", "Momentum", "Adam"):
        moments = kept.snapshots[lane, 0]
        for look in of(Movement, events, lane=lane):
            assert look.step is not None
            now, start = moments[look.step].params_P, moments[0].params_P
            assert look.distance[-1] == pytest.approx(float((now - start).norm()), abs=1e-12)
            if look.step:
                step = float((now - moments[look.step - 1].params_P).norm())
                assert look.update_ratio[-1] == pytest.approx(step / float(now.norm()))
        last = of(Movement, events, lane=lane)[-1]
        assert last.layer == ("0", "2", "all")
        assert (last.rotation > 0).all()
    adam = of(Movement, events, lane="Adam")[-1]
    assert (adam.effective_step > 0.002).all()  # divided by the gradient's size, many times its rate


def test_a_filter_does_not_hide_the_loss_s_own_gradient() -> None:
    lane = {**SGD, "filters": [{"kind": "clip", "limit": 0.01}]}
    events = told(race(lane, dtype="float64", steps=2, probes=[EVERY]))
    for look, norm in zip(of(Movement, events)[1:], column(events, "SGD", "grad_norm"), strict=True):
        assert look.effective_step[-1] == pytest.approx(0.1 * 0.01 / norm)


def test_a_function_has_no_layers_and_a_lane_that_diverges_ends() -> None:
    events = told(race(SGD, WILD, problem=BOWL, steps=8, probes=[EVERY]))
    looks = of(Movement, events)
    assert {look.layer for look in looks} == {("all",)}
    assert [look.step for look in looks if look.lane == "SGD"] == list(range(9))
    assert max(look.step or 0 for look in looks if look.lane == "Wild") < 8


def test_a_stored_race_is_told_from_its_kept_moments() -> None:
    request = race(SGD, dtype="float64", steps=6, tune=False)
    kept, problem = Kept(), problem_of(request)
    told(request, Context(seed=0, keeper=kept))
    moments = [kept.snapshots["SGD", 0][step] for step in (0, 1, 4, 5)]
    point = Point(ResolvedPoint(lane="SGD", step=5), moments[-1], (Path("SGD", 0, tuple(moments)),))
    first, *rest = MOVEMENT.run(problem, MovementAnalysis(layers=False), Context(seed=0, points=(point,)))
    looks: list[Any] = [event for event in rest if isinstance(event, Movement)]
    assert isinstance(first, Started)
    assert [(look.lane, look.step, look.point) for look in looks] == [("SGD", step, 0) for step in (0, 1, 4, 5)]
    assert [bool(np.isnan(look.update_ratio[0])) for look in looks] == [True, False, True, False]
    assert looks[-1].distance[0] == pytest.approx(float((moments[-1].params_P - moments[0].params_P).norm()))
    (start,) = [e for e in MOVEMENT.run(problem, MovementAnalysis(), Context(seed=0)) if isinstance(e, Movement)]
    assert start.distance.tolist() == [0.0, 0.0, 0.0]
