"""Lanes side by side: the same numbers as lanes alone, whatever the rule, and nothing of one lane in another."""

from typing import Any

import numpy as np
import pytest
import torch

from backend.core.analyses.base import Context
from backend.core.analyses.train.together import Together
from backend.core.optimizers.registry import OPTIMIZERS, Rule
from backend.core.problems.abreast import CURVES, abreast
from backend.schemas.control import CONTROL
from backend.schemas.events import LaneEnded, TrainChunk
from tests.core.analyses.races import ADAM, BOWL, DIGITS, MOMENTUM, SGD, problem_of, race, told

DOUBLE: dict[str, Any] = {"dtype": "float64", "batch_size": 32, "steps": 8}
COLUMNS = ("loss", "grad_norm", "lr", "evaluations")


def columns(events: list[Any]) -> dict[tuple[str, int, str], np.ndarray]:
    found: dict[tuple[str, int, str], list[np.ndarray]] = {}
    for event in events:
        if isinstance(event, TrainChunk):
            for name in COLUMNS:
                found.setdefault((event.lane, event.repeat, name), []).append(getattr(event, name))
    return {key: np.concatenate(parts) for key, parts in found.items()}


def agree(one: list[Any], other: list[Any], tolerance: float = 1e-10) -> None:
    first, second = columns(one), columns(other)
    assert first.keys() == second.keys()
    for key, values in first.items():
        np.testing.assert_allclose(values, second[key], rtol=tolerance, atol=tolerance, err_msg=str(key))


@pytest.mark.parametrize("rule", OPTIMIZERS, ids=lambda rule: rule.spec.model_fields["kind"].default)
def test_side_by_side_is_alone_to_a_rounding_error(rule: Rule) -> None:
    kind = rule.spec.model_fields["kind"].default
    lanes = [{"name": "a", "optimizer": {"kind": kind}}, {"name": "b", "optimizer": {"kind": kind, "lr": 0.003}}]
    request = race(*lanes, MOMENTUM, repeats=2, **DOUBLE)
    agree(told(request), told(request.model_copy(update={"tune": False})))


def test_a_function_and_a_full_batch_go_side_by_side_too() -> None:
    for more in ({"problem": BOWL, "batch_size": None}, {"batch_size": None}):
        request = race(SGD, MOMENTUM, ADAM, **{**DOUBLE, **more})
        assert abreast(problem_of(request), None) is not None
        agree(told(request), told(request.model_copy(update={"tune": False})))


def test_side_by_side_is_what_a_race_does_and_only_where_rounding_may_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = Together._side_by_side

    def spied(self: Together, program: Any, lanes: Any) -> Any:
        seen.append(len(lanes))
        return real(self, program, lanes)

    monkeypatch.setattr(Together, "_side_by_side", spied)
    newton = {"name": "Newton", "optimizer": {"kind": "newton"}}
    small = {**DIGITS, "model": {"kind": "mlp", "hidden": []}}
    told(race(SGD, ADAM, newton, problem=small, steps=3, batch_size=20))
    assert seen == [2, 2, 2], "all but the rule that asks for more"
    seen.clear()
    told(race(SGD, ADAM, steps=3, tune=False))
    assert seen == []
    told(race(SGD, steps=3))
    assert seen == [1, 1, 1], "one lane goes the same way, so that it has the same bits"


def test_without_tuning_a_lane_has_the_bits_that_it_has_alone() -> None:
    both = columns(told(race(SGD, ADAM, batch_size=32, tune=False)))
    for lane in (SGD, ADAM):
        for key, values in columns(told(race(lane, batch_size=32, tune=False))).items():
            assert both[key].tobytes() == values.tobytes()


RAGGED: dict[str, Any] = {"batch_size": 30, "steps": 9, "dtype": "float32"}  # every fourth batch has 10 examples
NETS: list[dict[str, Any]] = [
    {"data": DIGITS["data"], "model": {"kind": "mlp", "hidden": [7, 5], "activation": kind}, "loss": {"kind": loss}}
    for kind, loss in zip(sorted(CURVES), ("mse", "cross_entropy", "mse", "cross_entropy", "mse"), strict=True)
]
MOONS: dict[str, Any] = {
    "data": {"kind": "moons", "examples": 100},
    "model": {"kind": "mlp", "hidden": [9]},
    "loss": {"kind": "logistic"},
}
ACKLEY = {"function": {"kind": "ackley"}}


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("problem", [*NETS, MOONS, BOWL, ACKLEY], ids=str)
def test_a_lanes_bits_hang_on_no_other_lane(problem: dict[str, Any], count: int) -> None:
    rules = ("sgd", "adam", "rmsprop", "lion", "adamw", "nadam", "laprop", "xgrad")
    lanes = [{"name": kind, "optimizer": {"kind": kind, "lr": 0.01}} for kind in rules]
    more = {**RAGGED, "problem": problem, **({"batch_size": None} if "function" in problem else {})}
    every, some = columns(told(race(*lanes, **more))), columns(told(race(*lanes[-count:], **more)))
    assert len(some) == count * len(COLUMNS)
    for key, values in some.items():
        assert values.tobytes() == every[key].tobytes(), key


def test_a_lanes_bits_hang_on_no_number_of_threads() -> None:
    before, found = torch.get_num_threads(), []
    data = {"kind": "digits", "examples": 300}
    wide = {**DIGITS, "data": data, "model": {"kind": "mlp", "hidden": [50]}}  # 8 × 300 × 50 values: three pieces
    lanes = [{"name": str(i), "optimizer": {"kind": "sgd", "lr": 0.01 * i}} for i in range(1, 9)]
    sam = {"name": "SAM", "optimizer": {"kind": "sam"}}  # goes alone, on as many threads as the race is given
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            found.append(columns(told(race(*lanes[1:], sam, problem=wide, steps=2), Context(seed=0, threads=2))))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    for other in found[1:]:
        assert all(values.tobytes() == other[key].tobytes() for key, values in found[0].items())


def test_filters_and_schedules_stay_a_lanes_own() -> None:
    lanes = [
        {**SGD, "name": kind, "filters": [{"kind": kind}]} for kind in ("clip", "grokfast", "gradient_regularization")
    ]
    request = race(*lanes, {**ADAM, "schedule": {"kind": "cosine"}}, **DOUBLE)
    agree(told(request), told(request.model_copy(update={"tune": False})))


def test_a_lane_that_diverges_leaves_the_others_as_they_are() -> None:
    wild = {"name": "Wild", "optimizer": {"kind": "sgd", "lr": 1000.0}}
    request = race(SGD, wild, ADAM, **{**DOUBLE, "steps": 30, "divergence": 20.0})
    events = told(request)
    assert {e.lane: e.reason for e in events if isinstance(e, LaneEnded)}["Wild"] == "diverged"
    agree(events, told(request.model_copy(update={"tune": False})))


def test_a_lane_is_steered_and_cancelled_alone() -> None:
    controls = [{"action": "set", "lane": "SGD", "field": "lr", "value": 0.4}, {"action": "cancel", "lane": "Adam"}]

    def run(tune: bool) -> list[Any]:
        waiting = [CONTROL.validate_python(control) for control in controls]
        asked = iter(range(1000))

        def come() -> tuple[Any, ...]:
            return (waiting.pop(0),) if next(asked) in (3, 5) else ()

        return told(race(SGD, MOMENTUM, ADAM, **DOUBLE, tune=tune), Context(seed=0, controls=come))

    one, other = run(True), run(False)
    agree(one, other)
    rates = columns(one)["SGD", 0, "lr"]
    assert rates[-1] == 0.4
    assert rates[0] == 0.1
    assert len(columns(one)["Adam", 0, "lr"]) < 8


@pytest.mark.parametrize("activation", sorted(CURVES))
@pytest.mark.parametrize("loss", ["cross_entropy", "mse", "logistic"])
def test_gradients_abreast_are_autograds(activation: str, loss: str) -> None:
    data = {"kind": "moons", "examples": 60} if loss == "logistic" else DIGITS["data"]
    net = {"data": data, "model": {"kind": "mlp", "hidden": [20, 5], "activation": activation}, "loss": {"kind": loss}}
    problem = problem_of(race(problem=net, dtype="float64"))
    assert problem.train is not None
    program = abreast(problem, 30)
    assert program is not None
    points_LP = torch.stack([problem.params0(seed)[0] for seed in range(3)])
    buffers = problem.params0(0)[1]
    batches = [(problem.train.x[i : i + 30], problem.train.y[i : i + 30]) for i in (0, 5, 5)]
    loss_L, grad_LP = program.gradients(points_LP, batches)
    for i, batch in enumerate(batches):
        leaf_P = points_LP[i].clone().requires_grad_()
        expected = problem.batch_loss(leaf_P, buffers, *batch)
        (grad_P,) = torch.autograd.grad(expected, leaf_P)
        torch.testing.assert_close(loss_L[i], expected.detach(), rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(grad_LP[i], grad_P, rtol=1e-11, atol=1e-12)


def test_more_points_than_one_pass_holds_go_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    request = race(SGD, MOMENTUM, ADAM, **DOUBLE)
    whole = told(request)
    monkeypatch.setattr("backend.core.problems.abreast.VALUES", 1)
    agree(whole, told(request), 1e-13)
