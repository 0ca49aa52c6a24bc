"""Whatever is wrong with a request: a status, a code, the field, and nothing stored."""

import json

import pytest

from backend.schemas.errors import ErrorBody

LANE = {"name": "SGD", "optimizer": {"kind": "sgd", "lr": 0.1}}


def race(**more: object) -> dict[str, object]:
    return {"kind": "train", "lanes": [LANE], **more}


def with_lr(lr: object) -> dict[str, object]:
    return race(lanes=[{"name": "SGD", "optimizer": {"kind": "sgd", "lr": lr}}])


FIELDS = {
    "negative learning rate": (with_lr(-0.1), "lanes.0.optimizer.lr", "greater than 0"),
    "infinite learning rate": (with_lr(float("inf")), "lanes.0.optimizer.lr", "finite"),
    "NaN learning rate": (with_lr(float("nan")), "lanes.0.optimizer.lr", "finite"),
    "learning rate as text": (with_lr("0.1"), "lanes.0.optimizer.lr", "valid number"),
    "unknown optimizer": (race(lanes=[{"name": "x", "optimizer": {"kind": "magic"}}]), "lanes.0.optimizer", "'magic'"),
    "unknown field": (race(stepz=3), "stepz", "unknown field"),
    "unknown field of an optimizer": (
        race(lanes=[{"name": "x", "optimizer": {"kind": "sgd", "beta1": 0.9}}]),
        "lanes.0.optimizer.beta1",
        "unknown field",
    ),
    "unknown data set": (race(problem={"data": {"kind": "mnist9"}}), "problem.data", "'mnist9'"),
    "no steps": (race(steps=0), "steps", "greater than or equal to 1"),
    "a trillion steps": (race(steps=10**12), "steps", "less than or equal to"),
    "steps as text": (race(steps="many"), "steps", "valid integer"),
    "nine lanes": (race(lanes=[{"name": f"lane {i}"} for i in range(9)]), "lanes", "at most 8"),
    "two lanes of one name": (race(lanes=[LANE, LANE]), "lanes", "two lanes are named 'SGD'"),
    "a batch larger than the data": (
        race(batch_size=401, problem={"data": {"kind": "digits", "examples": 400}}),
        "batch_size",
        "at most the 400",
    ),
    "a batch of a function": (race(batch_size=8, problem={"function": {"kind": "beale"}}), "batch_size", "no examples"),
    "an image net on points": (
        race(problem={"data": {"kind": "moons"}, "model": {"kind": "cnn"}}),
        "problem",
        "needs images",
    ),
    "an unknown kind of request": ({"kind": "fly"}, "", "'fly'"),
    "a point of a run that is not there": (
        {"kind": "analyse", "at": [{"run": "0" * 15}], "analysis": {"kind": "surface"}},
        "at.0.run",
        "0" * 15,
    ),
}


@pytest.mark.parametrize(("body", "path", "message"), FIELDS.values(), ids=FIELDS.keys())
def test_an_invalid_field_is_named_and_nothing_is_stored(ask, engine, body, path, message):
    answer = ask("POST", "/api/runs", content=json.dumps(body))
    error = ErrorBody.decode(answer.content).error
    assert (answer.status_code, error.code) == (422, "invalid_request")
    assert [(each.path, message in each.message) for each in error.errors] == [(path, True)]
    assert error.hint
    assert ask("GET", "/api/runs").json()["items"] == []
    assert engine.tasks == []


def test_every_wrong_field_has_its_entry(ask):
    answer = ask("POST", "/api/runs", json=race(steps=0, seed=-1, colour="red"))
    paths = {each["path"] for each in answer.json()["error"]["errors"]}
    assert paths == {"steps", "seed", "colour"}


@pytest.mark.parametrize("body", [b"", b"{", b'{"kind": "train",}', b"\xff\xfe", b"[" * 100_000, b'{"a": 1} x'])
def test_what_is_not_json_is_malformed(ask, body):
    answer = ask("POST", "/api/runs", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "malformed")
    assert ask("GET", "/api/runs").json()["items"] == []


@pytest.mark.parametrize("body", [b"[]", b"null", b'"train"', b"7"])
def test_json_that_is_no_request_is_invalid(ask, body):
    answer = ask("POST", "/api/runs", content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_request")


@pytest.mark.parametrize(
    ("body", "path"),
    [({"action": "dance"}, ""), ({"action": "step", "n": 0}, "n"), ({"action": "set", "lane": 3, "value": 1}, "lane")],
)
def test_an_invalid_control_is_refused(ask, submit, body, path):
    control = submit()
    control.start()
    answer = ask("POST", f"/api/runs/{control.run}/control", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["errors"][0]["path"], control.controls) == (422, path, [])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/runs/{run}"),
        ("PATCH", "/api/runs/{run}"),
        ("DELETE", "/api/runs/{run}"),
        ("POST", "/api/runs/{run}/control"),
        ("GET", "/api/runs/{run}/events"),
        ("GET", "/api/runs/{run}/snapshots"),
        ("GET", "/api/runs/{run}/export"),
        ("GET", "/api/stream?runs={run}"),
    ],
)
@pytest.mark.parametrize("run", ["0" * 15, "nonsense", "..%2f..%2fetc"])
def test_an_unknown_run_is_not_found(ask, method, path, run):
    body = {"PATCH": {"name": "x"}, "POST": {"action": "pause"}}.get(method)
    answer = ask(method, path.format(run=run), json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/runs/", "/api/a/b/c"])
def test_an_unknown_api_path_is_an_error_object_for_every_method(ask, method, path):
    answer = ask(method, path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    if method != "HEAD":
        assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("method", ["PUT", "DELETE", "TRACE", "FOO"])
def test_a_known_path_says_which_methods_it_takes(ask, method):
    answer = ask(method, "/api/runs")
    assert answer.status_code == 405
    assert ErrorBody.decode(answer.content).error.where == "/api/runs"
    if method != "FOO":
        assert answer.headers["allow"] == "GET, POST"


@pytest.mark.parametrize(
    ("query", "path"),
    [("limit=0", "limit"), ("limit=many", "limit"), ("status=asleep", "status"), ("limit=501", "limit")],
)
def test_an_invalid_query_is_refused_by_name(ask, query, path):
    answer = ask("GET", f"/api/runs?{query}")
    error = ErrorBody.decode(answer.content).error
    assert (answer.status_code, error.code, error.errors[0].path) == (422, "invalid_request", path)


def test_what_nobody_expected_is_internal_with_an_id_to_quote_and_no_stack(ask, service, monkeypatch, caplog):
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(service, "page", broken)
    answer = ask("GET", "/api/runs")
    error = ErrorBody.decode(answer.content).error
    assert (answer.status_code, error.code) == (500, "internal")
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    quote = error.message.split("error ")[1].rstrip(")")
    assert quote in caplog.text
    assert "secret detail" in caplog.text
