"""What a rule cannot do is refused over HTTP with a sentence that says what to do instead."""

from collections.abc import Iterator
from typing import Any

import pytest
from real_lab import RealLab, real_service

from backend.schemas.errors import ErrorBody
from backend.schemas.events import LaneEnded
from backend.schemas.optimizer import OPTIMIZER_KINDS

NET: dict[str, Any] = {"data": {"kind": "moons", "examples": 40}, "model": {"kind": "mlp", "hidden": [4]}}
WIDE: dict[str, Any] = {"data": {"kind": "digits", "examples": 100}, "model": {"kind": "mlp", "hidden": [64]}}
BOWL = {"function": {"kind": "rosenbrock"}}


def fields(name: str) -> list[tuple[str, str]]:
    """Every rule's fields of a kind of bound: shares below 1, and what is divided by."""
    found = []
    for kind in OPTIMIZER_KINDS:
        for field, info in kind.model_fields.items():
            bounds = {type(each).__name__: each for each in info.metadata}
            share = "Lt" in bounds and getattr(bounds["Lt"], "lt", None) == 1.0
            if share if name == "share" else (field == "eps" and "Gt" in bounds):
                found.append((str(kind.model_fields["kind"].default), field))
    return found


def test_the_bounds_are_there() -> None:
    assert {("adam", "beta1"), ("sgd", "momentum"), ("lion", "beta2")} <= set(fields("share"))
    assert {("adam", "eps"), ("laprop", "eps"), ("vrgd", "eps"), ("induced_metric", "eps")} <= set(fields("eps"))


@pytest.mark.parametrize(
    ("kind", "field", "value", "sentence"),
    [(kind, field, 1.0, "less than 1, got 1") for kind, field in fields("share")]
    + [(kind, field, 0.0, "greater than 0, got 0") for kind, field in fields("eps")],
)
def test_a_share_of_one_and_a_division_by_zero_are_refused(ask, kind, field, value, sentence) -> None:
    lane = {"name": "x", "optimizer": {"kind": kind, field: value}}
    answer = ask("POST", "/api/runs", json={"kind": "train", "lanes": [lane]})
    (error,) = ErrorBody.decode(answer.content).error.errors
    assert (answer.status_code, error.path) == (422, f"lanes.0.optimizer.{field}")
    assert sentence in error.message.replace("1.0", "1").replace("0.0", "0")
    assert ask("GET", "/api/runs").json()["items"] == []


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealLab]:
    service = real_service(tmp_path_factory.mktemp("data"))
    yield RealLab(service)
    service.close()


@pytest.mark.parametrize(
    ("optimizer", "problem", "words"),
    [
        ({"kind": "muon"}, BOWL, ("Muon acts on matrices", "this problem has none", "x [2]", "take adamw")),
        ({"kind": "soap"}, BOWL, ("acts on matrices", "take adamw")),
        ({"kind": "psgd"}, BOWL, ("acts on matrices", "take adamw")),
        ({"kind": "newton"}, WIDE, ("up to 2,000 parameters", "has 4,810", "saddle-free Newton with method lanczos")),
        (
            {"kind": "saddle_free_newton", "method": "dense"},
            WIDE,
            ("up to 2,000 parameters", "has 4,810", "lanczos"),
        ),
        ({"kind": "natural_gradient"}, BOWL, ("natural gradient", "function")),
    ],
)
def test_a_rule_that_does_not_go_with_the_problem_says_why(lab, optimizer, problem, words) -> None:
    lanes = [{"name": "fine"}, {"name": "odd", "optimizer": optimizer}]
    run = lab.play({"kind": "train", "problem": problem, "steps": 2, "lanes": lanes}, "failed")
    assert run["error"]["code"] == "unsupported"
    assert run["error"]["message"].startswith("Lane 'odd': ")
    for word in words:
        assert word.lower() in run["error"]["message"].lower()


def test_a_lane_that_has_ended_cannot_be_changed(lab) -> None:
    wild = {"name": "wild", "optimizer": {"kind": "sgd", "lr": 1000.0}}
    body = {"kind": "train", "problem": NET, "steps": 100_000, "pace": 20, "divergence": 1.5, "lanes": [{}, wild]}
    run = lab.post(body).json()["id"]
    while not lab.events(run, "lane_ended"):
        lab.service.wait(run, 0.02)
    (end,) = lab.events(run, "lane_ended")
    for change in ({"action": "set", "lane": "wild", "value": 0.1}, {"action": "cancel", "lane": "wild"}):
        answer = lab.ask("POST", f"/api/runs/{run}/control", change)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["where"]) == (409, "conflict", "lane")
        assert f"lane 'wild' of run {run} has ended (diverged at step {end['step']})" in error["message"]
        assert "checkpoint" in error["hint"]
    for good in ({"action": "set", "lane": "SGD", "value": 0.2}, {"action": "cancel"}):
        assert lab.ask("POST", f"/api/runs/{run}/control", good).status_code == 202
    lab.service.wait(run, 30)
    assert [(each["lane"], each["value"]) for each in lab.events(run, "controlled") if each["action"] == "set"] == [
        ("SGD", 0.2)
    ]


def test_a_lane_has_ended_when_all_its_repeats_have(ask, submit) -> None:
    race = submit(repeats=2)
    race.start()
    change = {"action": "set", "lane": "SGD", "value": 0.1}
    for repeat, expected in ((0, 202), (1, 409)):
        race.tell(LaneEnded(lane="SGD", repeat=repeat, step=repeat + 3, reason="diverged"))
        answer = ask("POST", f"/api/runs/{race.run}/control", json=change)
        assert answer.status_code == expected
    assert "diverged at step 3, diverged at step 4" in answer.json()["error"]["message"]
    assert len(race.controls) == 1
