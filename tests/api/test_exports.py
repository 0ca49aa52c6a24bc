"""A run as a file, and back again."""

import ast
import csv
import io
import json

import numpy as np
import pytest

from backend.schemas.events import Eval, PathPoints, Started, SurfaceTile, TrainChunk
from backend.schemas.run import REQUEST, Run

STARTED = Started(device="cpu", dtype="float32", parameters=10, examples=5, lanes=("SGD",))


def chunk(*losses: float, first: int = 0) -> TrainChunk:
    loss = np.array(losses, np.float32)
    steps = np.arange(first, first + len(losses), dtype=np.int32)
    return TrainChunk(lane="SGD", step=steps, loss=loss, grad_norm=loss, lr=loss, seconds=loss)


def tile(level: int, loss: np.ndarray) -> SurfaceTile:
    axis = np.linspace(-1, 1, level, dtype=np.float32)
    return SurfaceTile(
        plane="abc", level=level, a=axis, b=axis, loss=loss, stderr=None, bound=None, data_fraction=1.0, final=False
    )


@pytest.fixture
def finished(submit):
    """A run that diverged, with a path and a surface."""
    column = np.array([0.0, 1.0], np.float32)
    path = PathPoints(
        lane="SGD", plane="abc", step=np.array([0, 1], np.int32), a=column, b=column, off_plane=column, loss=column
    )
    race = submit(name='"three\' \\ \n quotes"""', steps=4)
    race.start()
    race.tell(STARTED, chunk(3.0, 2.0), Eval(lane="SGD", step=1, split="test", loss=2.5, accuracy=0.25))
    race.tell(chunk(np.inf, np.nan, first=2), path, tile(2, np.ones((2, 2))), tile(3, np.arange(9.0).reshape(3, 3)))
    race.end()
    return race.run


def export(ask, run, form):
    answer = ask("GET", f"/api/runs/{run}/export", params={"format": form})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="gradscape-{run}.')
    return answer.content


def test_json_holds_everything_and_can_be_imported_under_its_own_id(ask, finished):
    exported = export(ask, finished, "json")
    before = Run.decode(ask("GET", f"/api/runs/{finished}").content)
    events = ask("GET", f"/api/runs/{finished}/events").json()["items"]
    assert json.loads(exported)["schema"] == 1
    assert json.loads(exported)["events"] == events

    assert ask("DELETE", f"/api/runs/{finished}").status_code == 204
    answer = ask("POST", "/api/runs/import", content=exported)
    assert answer.status_code == 201, answer.text
    assert Run.decode(answer.content) == before
    again = ask("GET", f"/api/runs/{finished}/events").json()["items"]
    assert [item["event"] for item in again] == [item["event"] for item in events]


def test_an_import_beside_its_original_takes_a_new_id(ask, finished):
    answer = ask("POST", "/api/runs/import", content=export(ask, finished, "json")).json()
    assert answer["id"] != finished
    assert {item["id"] for item in ask("GET", "/api/runs").json()["items"]} == {finished, answer["id"]}
    events = ask("GET", f"/api/runs/{answer['id']}/events").json()["items"]
    assert {item["run"] for item in events} == {answer["id"]}


def without_last(data):
    data["events"].pop()


def with_gap(data):
    del data["events"][1]


def from_the_future(data):
    data["schema"] = 99


def still_running(data):
    data["run"]["status"] = "running"


def without_events(data):
    data["events"] = []


def with_text_as_loss(data):
    data["events"][2]["event"]["loss"] = "much"


@pytest.mark.parametrize(
    ("spoil", "path"),
    [
        (without_last, "events.6.event.kind"),
        (with_gap, "events.1.seq"),
        (from_the_future, "schema"),
        (still_running, "run.status"),
        (without_events, "events"),
        (with_text_as_loss, "events.2.event.loss"),
    ],
)
def test_an_import_that_is_not_whole_is_refused_and_nothing_is_stored(ask, finished, spoil, path):
    data = json.loads(export(ask, finished, "json"))
    spoil(data)
    answer = ask("POST", "/api/runs/import", json=data)
    assert (answer.status_code, answer.json()["error"]["errors"][0]["path"]) == (422, path)
    assert [item["id"] for item in ask("GET", "/api/runs").json()["items"]] == [finished]


def test_csv_of_a_race_is_one_long_table(ask, finished):
    comment, *rows = export(ask, finished, "csv").decode().splitlines()
    assert comment.startswith(f"# gradscape run {finished}, schema 1, seed 0")
    table = list(csv.DictReader(io.StringIO("\n".join(rows))))
    losses = [float(row["value"]) for row in table if row["quantity"] == "loss" and row["split"] == "batch"]
    np.testing.assert_array_equal(losses, [3.0, 2.0, np.inf, np.nan])
    tests = [(row["quantity"], row["step"], row["value"]) for row in table if row["split"] == "test"]
    assert tests == [("loss", "1", "2.5"), ("accuracy", "1", "0.25")]


def test_csv_of_an_analysis_is_its_finest_surface(ask, engine):
    body = {"kind": "analyse", "problem": {"function": {"kind": "beale"}}, "analysis": {"kind": "surface"}}
    run = engine.runs[ask("POST", "/api/runs", json=body).json()["id"]]
    run.start()
    run.tell(STARTED, tile(2, np.ones((2, 2))), tile(3, np.arange(9.0).reshape(3, 3)))
    run.end()
    rows = list(csv.DictReader(export(ask, run.run, "csv").decode().splitlines()[1:]))
    assert len(rows) == 9
    assert rows[5] | {"a": "0.0", "b": "1.0", "loss": "5.0", "plane": "abc"} == rows[5]


def test_npz_holds_columns_surfaces_and_the_events_themselves(ask, finished):
    with np.load(io.BytesIO(export(ask, finished, "npz")), allow_pickle=False) as file:
        assert int(file["schema"]) == 1
        assert Run.decode(str(file["run"])).id == finished
        np.testing.assert_array_equal(file["train/SGD/0/loss"], np.array([3, 2, np.inf, np.nan], np.float32))
        np.testing.assert_array_equal(file["train/SGD/0/step"], [0, 1, 2, 3])
        np.testing.assert_array_equal(file["surface/abc/loss"], np.arange(9.0).reshape(3, 3))
        np.testing.assert_array_equal(file["path/abc/SGD/0/a"], np.array([0, 1], np.float32))
        kinds = [json.loads(line)["event"]["kind"] for line in file["events"].tobytes().splitlines()]
    assert kinds[0] == "started"
    assert kinds[-1] == "finished"


def test_a_script_holds_the_request_as_it_was(ask, finished):
    tree = ast.parse(export(ask, finished, "script"))
    (literal,) = [node.value for node in tree.body if isinstance(node, ast.Assign)]
    request = ast.literal_eval(literal)
    stored = Run.decode(ask("GET", f"/api/runs/{finished}").content).request
    assert REQUEST.validate_json(json.dumps(request)) == REQUEST.validate_json(json.dumps(stored))


@pytest.mark.parametrize("form", ["html", "pdf"])
def test_a_format_that_is_not_there_is_unsupported(ask, finished, form):
    answer = ask("GET", f"/api/runs/{finished}/export", params={"format": form})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["where"]) == (422, "unsupported", "format")
    assert "json, csv, npz, script" in error["message"]
