"""Runs over HTTP: the contract's table, route by route."""

import json

import numpy as np
import pytest

from backend.schemas.events import Envelope, Eval, Progress, Snapshot, Started, TrainChunk
from backend.schemas.run import Run
from backend.schemas.snapshot import KeptSnapshot

STARTED = Started(device="cpu", dtype="float32", parameters=10, examples=5, lanes=("SGD",))


def chunk(first: int, *losses: float) -> TrainChunk:
    column = np.array(losses, np.float32)
    steps = np.arange(first, first + len(losses), dtype=np.int32)
    return TrainChunk(lane="SGD", step=steps, loss=column, grad_norm=column, lr=column, seconds=column)


def test_a_submitted_run_is_answered_as_it_is_stored(ask, engine):
    answer = ask("POST", "/api/runs", json={"kind": "train", "name": "mine", "tags": ["a", "b"], "steps": 7})
    assert answer.status_code == 201
    run = Run.decode(answer.content)
    assert (run.name, run.tags, run.status, run.request["steps"]) == ("mine", ("a", "b"), "queued", 7)
    assert engine.tasks[0].request.steps == 7
    assert Run.decode(ask("GET", f"/api/runs/{run.id}").content) == run


def test_an_idempotency_key_gives_the_same_run_again_and_refuses_another_body(ask, engine):
    first = ask("POST", "/api/runs", json={"kind": "train", "steps": 7}, headers={"Idempotency-Key": "k"})
    again = ask("POST", "/api/runs", content='{"steps":  7, "kind": "train"}', headers={"Idempotency-Key": "k"})
    other = ask("POST", "/api/runs", json={"kind": "train", "steps": 8}, headers={"Idempotency-Key": "k"})
    assert again.json()["id"] == first.json()["id"]
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")
    assert len(engine.tasks) == 1


def test_runs_are_listed_newest_first_page_by_page_and_filtered(ask, submit):
    made = [submit(name=f"run {i}", tags=["even"] if i % 2 == 0 else []).run for i in range(5)]
    seen, cursor = [], None
    while True:
        page = ask("GET", "/api/runs", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert sorted(seen, reverse=True) == seen
    assert sorted(seen) == sorted(made)
    assert len(ask("GET", "/api/runs?tag=even").json()["items"]) == 3
    assert ask("GET", "/api/runs?status=failed").json() == {"items": [], "next": None}
    assert len(ask("GET", "/api/runs?status=queued&kind=train").json()["items"]) == 5
    for unknown in ("status=ended", "kind=race"):
        assert ask("GET", f"/api/runs?{unknown}").status_code == 422


def test_a_run_can_be_renamed_and_tagged_apart(ask, submit):
    run = submit(name="old", tags=["x"]).run
    assert ask("PATCH", f"/api/runs/{run}", json={"name": "new"}).json()["tags"] == ["x"]
    changed = ask("PATCH", f"/api/runs/{run}", json={"tags": ["y", "z"]}).json()
    assert (changed["name"], changed["tags"]) == ("new", ["y", "z"])
    refused = ask("PATCH", f"/api/runs/{run}", json={"status": "succeeded"})
    assert (refused.status_code, refused.json()["error"]["errors"][0]["path"]) == (422, "status")


def test_a_run_is_deleted_once_it_has_ended(ask, submit):
    race = submit()
    race.start()
    refused = ask("DELETE", f"/api/runs/{race.run}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")
    race.end()
    assert ask("DELETE", f"/api/runs/{race.run}").status_code == 204
    assert ask("GET", f"/api/runs/{race.run}").status_code == 404
    assert ask("DELETE", f"/api/runs/{race.run}").status_code == 404


def test_control_reaches_a_running_run_and_is_refused_when_it_has_ended(ask, submit):
    race = submit()
    race.start()
    answer = ask("POST", f"/api/runs/{race.run}/control", json={"action": "step", "n": 3})
    assert (answer.status_code, answer.json()["id"]) == (202, race.run)
    assert [control.n for control in race.controls] == [3]
    assert ask("POST", f"/api/runs/{race.run}/control", json={"action": "cancel"}).status_code == 202
    assert race.cancels == 1
    race.end("cancelled")
    late = ask("POST", f"/api/runs/{race.run}/control", json={"action": "pause"})
    assert (late.status_code, late.json()["error"]["code"]) == (409, "conflict")


def test_events_are_paged_by_seq(ask, submit):
    race = submit()
    race.start()
    race.tell(STARTED, *(Progress(phase="training", done=i, total=9) for i in range(9)))
    race.end()
    path, seen, after = f"/api/runs/{race.run}/events", [], 0
    while after is not None:
        page = ask("GET", path, params={"after": after, "limit": 4}).json()
        seen += [Envelope.model_validate_json(json.dumps(item)).seq for item in page["items"]]
        after = page["next"]
    assert seen == list(range(1, 12))


def test_events_are_filtered(ask, submit):
    race = submit()
    race.start()
    race.tell(STARTED, chunk(0, 3.0, 2.0), Eval(lane="SGD", step=1, split="train", loss=2.0, accuracy=None))
    race.tell(
        chunk(2, 1.5, 1.0),
        Eval(lane="SGD", step=3, split="train", loss=1.0, accuracy=None),
        Snapshot(lane="SGD", step=3),
    )
    race.end()

    def kinds(**filters: object) -> list[str]:
        return [
            item["event"]["kind"] for item in ask("GET", f"/api/runs/{race.run}/events", params=filters).json()["items"]
        ]

    assert kinds(kinds="eval,snapshot") == ["eval", "eval", "snapshot"]
    assert kinds(kinds="eval", last=1) == ["eval"]
    assert kinds(lane="SGD", step_to=2) == ["train_chunk", "eval", "train_chunk"]
    assert kinds(last=2) == ["snapshot", "finished"]
    refused = ask("GET", f"/api/runs/{race.run}/events?kinds=eval,nonsense").json()["error"]
    assert (refused["code"], refused["errors"][0]["path"]) == ("invalid_request", "kinds")


@pytest.mark.parametrize(("value", "text"), [(np.nan, "NaN"), (np.inf, "Infinity"), (-np.inf, "-Infinity")])
def test_not_finite_numbers_cross_the_wire(ask, submit, value, text):
    race = submit()
    race.start()
    race.tell(Eval(lane="SGD", step=1, split="train", loss=value, accuracy=None), chunk(0, value))
    race.end()
    items = ask("GET", f"/api/runs/{race.run}/events").json()["items"]
    assert items[0]["event"]["loss"] == text
    again = Envelope.model_validate_json(json.dumps(items[1])).event
    np.testing.assert_array_equal(again.loss, np.array([value], np.float32))


def test_snapshots_are_listed(ask, submit, service, monkeypatch):
    race = submit()
    assert ask("GET", f"/api/runs/{race.run}/snapshots").json() == {"items": []}
    kept = KeptSnapshot(lane="SGD", repeat=0, step=3, bytes=40, resumable=True)
    monkeypatch.setattr(service, "snapshots", lambda run: [kept])
    assert ask("GET", f"/api/runs/{race.run}/snapshots").json() == {"items": [kept.to_json()]}


def test_health_and_catalog(ask):
    health = ask("GET", "/api/health").json()
    assert health == {
        "status": "ok",
        "version": "1.2.3",
        "engine": "fake",
        "ready": True,
        "live": True,
        "workers": ["idle"],
        "queued": 0,
    }
    assert ask("GET", "/api/catalog").json()["optimizers"] == []


def test_a_change_of_nothing_changes_nothing(ask, submit):
    run = submit().run
    before = ask("GET", f"/api/runs/{run}").json()
    answer = ask("PATCH", f"/api/runs/{run}", json={})
    assert (answer.status_code, answer.json()) == (200, before)


def test_a_full_page_of_events_never_changes_and_says_so(ask, submit):
    run = submit()
    run.start()
    run.tell(*(Progress(phase="x", done=i, total=9) for i in range(5)))
    full = ask("GET", f"/api/runs/{run.run}/events?limit=4")
    assert full.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "cache-control" not in ask("GET", f"/api/runs/{run.run}/events?limit=9").headers
    assert "cache-control" not in ask("GET", f"/api/runs/{run.run}/events?last=2").headers
    run.tell(Progress(phase="x", done=9, total=9))
    run.end()
    assert ask("GET", f"/api/runs/{run.run}/events?limit=4").content == full.content
