"""The page's way to the API: the caller's credentials go along, errors come back in one shape."""

import asyncio
from typing import Any

import httpx
import pytest

from backend.schemas.ids import new_run_id
from backend.schemas.run import TrainRequest
from frontend.client import Client, Refused

RUN = {"id": new_run_id(), "kind": "train", "name": "a", "status": "queued", "created": "", "request": {}}


def client(answer: httpx.Response | Exception, seen: list[httpx.Request] | None = None) -> Client:
    def handle(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return Client(lambda: httpx.MockTransport(handle), credentials=lambda: {"cookie": "token=1", "host": "lab.local"})


def test_credentials_and_host_are_the_caller_s() -> None:
    seen: list[httpx.Request] = []
    run = asyncio.run(client(httpx.Response(201, json=RUN), seen).create(TrainRequest().to_json()))
    assert run.id == RUN["id"]
    assert seen[0].headers["cookie"] == "token=1"
    assert seen[0].headers["host"] == "lab.local"
    assert (seen[0].method, seen[0].url.path) == ("POST", "/api/runs")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx.Response(422, json={"error": {"code": "invalid_request", "message": "no"}}), "invalid_request"),
        (httpx.Response(404, json={"error": {"code": "not_found", "message": "no"}}), "not_found"),
        (httpx.Response(502, text="<html>"), "internal"),
        (httpx.ConnectError("refused"), "unavailable"),
    ],
)
def test_an_error_says_what_to_do(answer: Any, code: str) -> None:
    with pytest.raises(Refused) as refused:
        asyncio.run(client(answer).run("x"))
    assert refused.value.detail.code == code
    assert refused.value.detail.message
