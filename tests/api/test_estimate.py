"""What a run would take, over the API: told before it starts; above the limits the same answer as by Start."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_engine import FakeEngine

from backend.jobs.costs.limits import Limits
from backend.jobs.feed import Feed
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore

RACE = {"kind": "train", "steps": 300, "batch_size": 128}


@pytest.fixture
def service(engine: FakeEngine, tmp_path: Path) -> Iterator[Service]:
    store = SqliteStore(":memory:")
    made = Service(store, engine, Feed(store), tmp_path, limits=Limits(hours=24, memory_gib=64))
    yield made
    made.close()


def test_it_says_what_a_run_would_take_and_begins_none(ask: Callable[..., Any]) -> None:
    answer = ask("POST", "/api/runs/estimate", json=RACE)
    assert answer.status_code == 200
    found = answer.json()
    assert (found["parameters"], found["examples"], found["steps"]) == (3466, 1500, 300)
    assert 0 < found["working"] < 60
    assert 300 < found["memory_mb"] < 1000
    assert found["refused"] is None
    assert ask("GET", "/api/runs").json()["items"] == []


def test_above_the_limits_both_routes_say_the_same(ask: Callable[..., Any]) -> None:
    accident = {**RACE, "steps": 10_000_000, "batch_size": None, "repeats": 32}
    told = ask("POST", "/api/runs/estimate", json=accident).json()["refused"]
    answer = ask("POST", "/api/runs", json=accident)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error == told
    assert error["errors"][0]["path"] == "steps"
    assert "at most 24 hours are allowed" in error["message"]
    assert "GRADSCAPE_MAX_HOURS" in error["hint"]
    assert ask("GET", "/api/runs").json()["items"] == []


def test_an_analysis_is_about_its_problem_or_that_of_its_points(ask: Callable[..., Any]) -> None:
    kind = {"kind": "top_eigenvalues"}
    bare = ask("POST", "/api/runs/estimate", json={"kind": "analyse", "problem": {}, "analysis": kind}).json()
    assert bare["parameters"] == 3466
    refused = ask("POST", "/api/runs/estimate", json={"kind": "analyse", "at": [{"run": "0" * 15}], "analysis": kind})
    assert refused.status_code == 422
    assert refused.json()["error"]["errors"][0]["path"] == "at.0.run"


def test_what_does_not_fit_is_told_field_by_field(ask: Callable[..., Any]) -> None:
    answer = ask("POST", "/api/runs/estimate", json={**RACE, "steps": 0})
    assert answer.status_code == 422
    assert answer.json()["error"]["errors"][0]["path"] == "steps"


def test_a_pace_is_slow_but_a_run_has_an_end(ask: Callable[..., Any]) -> None:
    found = ask("POST", "/api/runs/estimate", json={**RACE, "pace": 0.001}).json()
    assert found["seconds"] == 300_000.0
    answer = ask("POST", "/api/runs/estimate", json={**RACE, "pace": 1e-310})  # 300 steps at this pace take inf seconds
    assert answer.status_code == 422
    assert answer.json()["error"]["errors"][0]["path"] == "pace"
