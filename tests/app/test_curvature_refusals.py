"""What the whole application answers where curvature is asked for wrongly, or cannot be told."""

import asyncio
import json
import math
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from app.settings import Settings
from app.wiring import Application, build
from backend.schemas.errors import ErrorBody

KINDS = ("top_eigenvalues", "spectrum", "sharpness", "overlap", "trace", "index")
COUNTED = ("top_eigenvalues", "sharpness", "overlap")  # those with a k and a tolerance
TWO = {"function": {"kind": "rosenbrock"}}  # two parameters
DIGITS = {"data": {"kind": "digits", "examples": 60}, "model": {"kind": "mlp", "hidden": [8]}}


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    made = build(Settings(data=tmp_path_factory.mktemp("data"), engine="inline", rate_limit=0))
    yield made
    made.close()


def ask(application: Application, method: str, path: str, body: object = None) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=application.api, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8050") as client:
            return await client.request(method, f"/api{path}", content=None if body is None else json.dumps(body))

    return asyncio.run(once())


def ended(application: Application, body: dict[str, Any]) -> dict[str, Any]:
    """Start a run, wait for its end and return it."""
    answer = ask(application, "POST", "/runs", body)
    assert answer.status_code == 201, answer.text
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found: dict[str, Any] = ask(application, "GET", f"/runs/{answer.json()['id']}").json()
        if found["status"] in ("succeeded", "failed"):
            return found
        time.sleep(0.02)
    raise TimeoutError(found)


def told(application: Application, run: str) -> list[dict[str, Any]]:
    return [item["event"] for item in ask(application, "GET", f"/runs/{run}/events?limit=500").json()["items"]]


def analysis(kind: str, **fields: object) -> dict[str, Any]:
    return {"kind": "analyse", "problem": TWO, "analysis": {"kind": kind, **fields}}


def look_at(at: dict[str, Any], kind: str, **fields: object) -> dict[str, Any]:
    return {"kind": "analyse", "at": [at], "analysis": {"kind": kind, **fields}}


REFUSED = [
    *((kind, {"k": 0}, "analysis.k", "greater than or equal to 1, got 0") for kind in COUNTED),
    *((kind, {"tol": tol}, "analysis.tol", "greater than 0, got") for kind in COUNTED for tol in (0, -1e-3)),
    ("top_eigenvalues", {"tol": math.nan}, "analysis.tol", "a finite number, got nan"),
    ("spectrum", {"steps": 1}, "analysis.steps", "greater than or equal to 2, got 1"),
    ("spectrum", {"outliers": -1}, "analysis.outliers", "greater than or equal to 0, got -1"),
    ("trace", {"probes": 0}, "analysis.probes", "greater than or equal to 1, got 0"),
    *((kind, {"batchnorm": "batch"}, "analysis.batchnorm", "unknown field; check") for kind in KINDS),
]


@pytest.mark.parametrize(("kind", "fields", "path", "sentence"), REFUSED)
def test_what_no_analysis_can_do_is_refused_by_field(application, kind, fields, path, sentence):
    before = ask(application, "GET", "/runs").json()["items"]
    answer = ask(application, "POST", "/runs", analysis(kind, **fields))
    error = ErrorBody.decode(answer.content).error
    assert (answer.status_code, error.code) == (422, "invalid_request")
    assert [(each.path, sentence in each.message) for each in error.errors] == [(path, True)]
    assert error.hint == "Correct the fields named in errors and send the request again; nothing was stored."
    assert ask(application, "GET", "/runs").json()["items"] == before


def test_no_model_of_ours_has_dropout(application):
    model = {"kind": "mlp", "hidden": [8], "dropout": 0.5}
    body = {**analysis("trace"), "problem": {**DIGITS, "model": model}}
    error = ErrorBody.decode(ask(application, "POST", "/runs", body).content).error
    assert error.errors[0].path == "problem.model.dropout"
    assert error.errors[0].message == "unknown field; check its spelling, or leave it out"


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        *((kind, {"k": 2}, "expected k below the number of parameters (2), got 2; lower k") for kind in COUNTED),
        ("top_eigenvalues", {"k": 2, "which": "both"}, "at most half of the 2 parameters at both ends, got 2; lower k"),
        ("spectrum", {"matrix": "gauss_newton"}, "this problem is a function; take the Hessian."),
        ("trace", {"matrix": "residual"}, "this problem is a function; take the Hessian."),
    ],
)
def test_what_does_not_exist_here_fails_with_its_sentence(application, kind, fields, sentence):
    run = ended(application, analysis(kind, **fields))
    assert (run["status"], run["error"]["code"]) == ("failed", "unsupported")
    assert sentence in run["error"]["message"]


def test_a_probe_that_does_not_exist_here_ends_the_race_before_its_first_step(application):
    probe = {"every": 1, "analysis": {"kind": "overlap", "k": 10}}
    run = ended(application, {"kind": "train", "problem": TWO, "steps": 5, "probes": [probe]})
    assert (run["status"], run["error"]["code"]) == ("failed", "unsupported")
    assert "expected k below the number of parameters (2), got 10; lower k" in run["error"]["message"]
    assert not [event for event in told(application, run["id"]) if event["kind"] == "train_chunk"]


@pytest.fixture(scope="module")
def diverged(application: Application) -> str:
    """A race whose parameters end at infinity: Ackley's function is bounded, the weight decay multiplies by −9,999."""
    lane = {"name": "SGD", "optimizer": {"kind": "sgd", "lr": 1e4, "weight_decay": 1.0}}
    run = ended(
        application,
        {
            "kind": "train",
            "problem": {"function": {"kind": "ackley"}},
            "steps": 60,
            "divergence": 1e300,
            "lanes": [lane],
        },
    )
    assert run["status"] == "succeeded"
    return str(run["id"])


def test_a_moment_that_is_not_finite_is_never_kept(application, diverged):
    """Whoever asks for it is led to the last finite one, and told which that is."""
    (end,) = (event for event in told(application, diverged) if event["kind"] == "lane_ended")
    assert end["reason"] == "diverged"
    run = ended(application, look_at({"run": diverged, "step": end["step"]}, "top_eigenvalues", k=1))
    assert run["status"] == "succeeded", run["error"]
    assert [point["step"] for point in told(application, run["id"])[0]["points"]] == [end["step"] - 1]


@pytest.mark.parametrize("kind", KINDS)
def test_curvature_that_overflows_is_said(application, kind):
    """Finite parameters, but the products with them are not."""
    lane = {"name": "SGD", "optimizer": {"kind": "sgd", "lr": 1e4}}
    race = ended(application, {"kind": "train", "problem": TWO, "steps": 9, "divergence": 1e300, "lanes": [lane]})
    fields = {"k": 1} if kind in COUNTED else {}
    run = ended(application, look_at({"run": race["id"]}, kind, **fields))
    assert (run["status"], run["error"]["code"]) == ("failed", "not_finite")
    assert run["error"]["message"].endswith(
        "the lane has diverged here, or the number format overflows: take an earlier step, or float64."
    )


def test_what_has_not_converged_is_told_with_its_residuals(application):
    body = {**analysis("top_eigenvalues", k=3, which="both", tol=1e-12, budget=200), "problem": DIGITS}
    run = ended(application, body)
    assert run["status"] == "succeeded"
    last = [event for event in told(application, run["id"]) if event["kind"] == "eigenvalues"][-1]
    assert (last["final"], last["converged"], last["products"]) == (True, False, 200)
    assert last["values"]["shape"] == last["residuals"]["shape"] == [6]
