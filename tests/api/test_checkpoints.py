"""Uploads of checkpoint files over HTTP, hundreds of broken ones among them, and runs that start from one."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from backend.jobs.feed import Feed
from backend.jobs.inline import InlineEngine
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore
from backend.schemas.errors import ErrorBody
from backend.schemas.run import REQUEST

GOOD = save({"0.weight": np.full((3, 13), 0.5, np.float32), "0.bias": np.array([1.0, 2.0, 3.0], np.float32)})
WINE = {"data": {"kind": "wine"}, "model": {"kind": "mlp", "hidden": []}}


def test_a_file_is_stored_listed_and_forgotten(ask: Any, service: Service) -> None:
    assert ask("GET", "/api/checkpoints").json() == {"items": []}
    told = ask("PUT", "/api/checkpoints/mine", content=GOOD)
    assert (told.status_code, told.json()["tensors"]) == (201, {"0.weight": [3, 13], "0.bias": [3]})
    assert [each["name"] for each in ask("GET", "/api/checkpoints").json()["items"]] == ["mine"]
    assert ask("DELETE", "/api/checkpoints/mine").status_code == 204
    again = ask("DELETE", "/api/checkpoints/mine")
    assert (again.status_code, again.json()["error"]["code"]) == (404, "not_found")


def test_what_of_a_file_fits_a_problem_is_told_without_a_run(ask: Any, service: Service) -> None:
    ask("PUT", "/api/checkpoints/mine", content=GOOD)
    fits = ask("POST", "/api/checkpoints/mine/match", json=WINE).json()
    assert (fits["fits"], fits["fitting"], fits["wanted"]) == (True, 2, 2)
    deeper = {**WINE, "model": {"kind": "mlp", "hidden": [4]}}
    told = ask("POST", "/api/checkpoints/mine/match", json=deeper).json()
    assert (told["fits"], told["fitting"], told["missing"]) == (False, 0, ["2.weight", "2.bias"])
    assert told["other"] == ["0.weight ([4, 13] expected, [3, 13] there)", "0.bias ([4] expected, [3] there)"]
    wrapped = save({"module.0.weight": np.zeros((3, 13)), "module.0.bias": np.zeros(3), "module.ema": np.zeros(2)})
    ask("PUT", "/api/checkpoints/wrapped", content=wrapped)
    told = ask("POST", "/api/checkpoints/wrapped/match", json=WINE).json()
    assert (told["fits"], told["unused"]) == (True, ["ema"])
    own = ask("POST", "/api/checkpoints/mine/match", json={"custom": {"name": "mine"}}).json()
    assert own["fits"] is None
    assert ask("POST", "/api/checkpoints/none/match", json=WINE).status_code == 404
    assert ask("POST", "/api/checkpoints/mine/match", json={"data": {"kind": "x"}}).status_code == 422


@pytest.mark.parametrize("name", ["..%2F..%2Fx", "%2e%2e", "a%00b", ".x", "x" * 101, "%2Fetc%2Fpasswd"])
def test_no_name_leads_out_of_the_folder(ask: Any, tmp_path: Path, name: str) -> None:
    before = sorted(tmp_path.rglob("*"))
    told = ask("PUT", f"/api/checkpoints/{name}", content=GOOD)
    assert told.status_code in (404, 422)
    ErrorBody.model_validate_json(told.content)
    assert sorted(tmp_path.rglob("*")) == before


def test_hundreds_of_broken_uploads_are_refused_or_stored(ask: Any) -> None:
    draw, codes = random.Random(1), []
    for _ in range(300):
        data = bytearray(GOOD)
        for _ in range(draw.choice((1, 3))):
            data[draw.randrange(len(data) if draw.random() < 0.3 else 150)] = draw.randrange(256)
        told = ask("PUT", "/api/checkpoints/broken", content=bytes(data))
        codes.append(told.status_code)
        if told.status_code != 201:
            assert ErrorBody.model_validate_json(told.content).error.code == "unsupported"
    assert set(codes) == {201, 422}


def test_a_file_larger_than_the_limit_is_not_read(service: Service) -> None:
    import asyncio

    import httpx

    from backend.api.app import create_api

    api = create_api(service, version="1", import_limit=1000, body_limit=10)

    async def put(data: bytes) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=api), base_url="http://localhost") as client:
            return (await client.put("/api/checkpoints/mine", content=data)).status_code

    assert asyncio.run(put(GOOD)) == 201
    assert asyncio.run(put(bytes(1001))) == 413


def test_runs_start_from_a_file(tmp_path: Path) -> None:
    store = SqliteStore(":memory:")
    service = Service(store, InlineEngine(), Feed(store), tmp_path)
    try:
        service.checkpoints.save("mine", GOOD)
        race = {"kind": "train", "problem": WINE, "origin": {"checkpoint": "mine"}, "steps": 1}
        run = service.wait(service.submit(REQUEST.validate_python(race, strict=False)).id, 60)
        assert (run.status, run.error) == ("succeeded", None)
        kept = service.snapshots(run.id)
        assert kept
        look = {"kind": "analyse", "problem": WINE, "at": [{"checkpoint": "mine"}, {"run": run.id, "step": 0}]}
        path = {**look, "analysis": {"kind": "connectivity", "path": "linear", "beside": []}}
        joined = service.wait(service.submit(REQUEST.validate_python(path, strict=False)).id, 60)
        assert joined.status == "succeeded", joined.error
        wrong = {**race, "problem": {**WINE, "model": {"kind": "mlp", "hidden": [4]}}}
        failed = service.wait(service.submit(REQUEST.validate_python(wrong, strict=False)).id, 60)
        assert failed.error is not None
        assert failed.error.code == "unsupported"
        assert "checkpoint mine: 0 of the problem's 4 tensors match by name and shape" in failed.error.message
        service.checkpoints.save("lost", save({"0.weight": np.zeros((3, 13)), "0.bias": np.array([0.0, np.nan, 1.0])}))
        lost = {**look, "at": [{"checkpoint": "lost"}], "analysis": {"kind": "sharpness"}}
        nowhere = service.wait(service.submit(REQUEST.validate_python(lost, strict=False)).id, 60)
        assert nowhere.error is not None
        assert (nowhere.error.code, nowhere.error.where) == ("not_finite", "at.0")
        assert nowhere.error.message == "the weights in the file 'lost' are not finite: NaN or infinity in “0.bias”"
        assert nowhere.error.hint == "Save the weights of a step before the training diverged, and upload those."
    finally:
        service.close()


@pytest.mark.parametrize(
    ("request_", "path"),
    [
        ({"kind": "analyse", "at": [{"checkpoint": "mine"}]}, "problem"),
        ({"kind": "analyse", "at": [{"checkpoint": "other"}], "problem": WINE}, "at.0.checkpoint"),
        ({"kind": "train", "origin": {"checkpoint": "other"}}, "origin.checkpoint"),
        ({"kind": "train", "origin": {"checkpoint": "../mine"}}, "origin.checkpoint"),
    ],
)
def test_a_file_that_is_not_there_or_belongs_nowhere_is_refused(ask: Any, request_: Any, path: str) -> None:
    ask("PUT", "/api/checkpoints/mine", content=GOOD)
    told = ask("POST", "/api/runs", json=request_)
    assert told.status_code == 422
    assert [each["path"] for each in told.json()["error"]["errors"]] == [path]
