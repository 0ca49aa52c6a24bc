"""Figures for Prometheus, read by its own parser; and a queue that is full."""

from collections.abc import Callable

import httpx
import pytest
from fake_engine import FakeEngine
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from backend.api.routes.metrics import Metric, text
from backend.jobs.engine import EngineState
from backend.schemas.problem import FunctionProblem
from backend.schemas.run import TrainRequest

Ask = Callable[..., httpx.Response]
RACE = TrainRequest(problem=FunctionProblem()).to_json()


def figures(ask: Ask) -> dict[str, float]:
    answer = ask("GET", "/api/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = {}
    for family in text_string_to_metric_families(answer.text):
        assert family.documentation.endswith(".")
        for sample in family.samples:
            found["/".join((sample.name, *sample.labels.values()))] = sample.value
    return found


def test_figures_follow_what_happens(ask: Ask, engine: FakeEngine) -> None:
    before = figures(ask)
    assert before["gradscape_ready"] == before["gradscape_workers/idle"] == 1
    assert before["gradscape_events_total"] == before["gradscape_runs_ended_total/failed"] == 0
    run = ask("POST", "/api/runs", json=RACE).json()["id"]
    engine.runs[run].start()
    engine.runs[run].end("failed")
    after = figures(ask)
    assert after["gradscape_runs_ended_total/failed"] == 1
    assert after["gradscape_events_total"] == 1
    assert after["process_cpu_seconds_total"] >= before["process_cpu_seconds_total"] > 0
    assert after["gradscape_disk_free_bytes"] > 0


def test_numbers_keep_all_their_digits() -> None:
    assert text([Metric("a", "gauge", "A.", {"": 2.0**53 - 1})]).endswith("\na 9007199254740991\n")


def test_a_full_queue_refuses_with_the_numbers(
    ask: Ask, api: FastAPI, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "state", lambda: EngineState("fake", True, ("idle",), 3))
    api.state.queue_limit = 4
    assert ask("POST", "/api/runs", json=RACE).status_code == 201
    api.state.queue_limit = 3
    refused = ask("POST", "/api/runs", json=RACE)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many")
    assert "3 runs wait for a worker, and at most 3 may" in refused.json()["error"]["message"]
    assert len(engine.tasks) == 1, "nothing was stored"
