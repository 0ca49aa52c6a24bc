"""The outermost layer: forged hosts, bodies beyond the limit, and the one dependency of every route."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import HTTPException

from backend.api.app import create_api
from backend.api.security import host_name, security

BIG = b"x" * (50 * 2**20)


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1:8050", "[::1]:8050", "[::1]", "LocalHost:80"])
def test_this_machine_is_let_in_by_any_of_its_names(ask, host):
    assert ask("GET", "/api/health", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8050", "localhost.evil.example", "127.0.0.1.nip.io", "", "[::2]"]
)
@pytest.mark.parametrize("path", ["/api/health", "/", "/anything"])
def test_a_forged_host_is_refused_everywhere(ask, host, path):
    answer = ask("GET", path, headers={"host": host})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_host")


def test_two_hosts_are_refused(api):
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=api)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get("/api/health", headers=[("host", "localhost"), ("host", "evil.example")])

    assert asyncio.run(once()).json()["error"]["code"] == "bad_host"


@pytest.mark.parametrize("origin", ["http://evil.example", "https://localhost.evil.example", "null", "", "file://"])
def test_a_page_of_another_site_cannot_post(ask, engine, origin):
    answer = ask("POST", "/api/runs", content='{"kind": "train"}', headers={"origin": origin})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert engine.tasks == []


@pytest.mark.parametrize("origin", ["http://localhost:8050", "http://127.0.0.1:1234", "http://[::1]:8050"])
def test_our_own_page_can_post(ask, origin):
    assert ask("POST", "/api/runs", content='{"kind": "train"}', headers={"origin": origin}).status_code == 201


def test_a_host_can_be_allowed(service, api):
    api = create_api(service, version="1", allowed_hosts=("lab.example",))

    async def status(host: str) -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=api), base_url=f"http://{host}") as client:
            return (await client.get("/api/health")).status_code

    assert asyncio.run(status("lab.example:80")) == 200
    assert asyncio.run(status("localhost")) == 400


@pytest.mark.parametrize(("header", "name"), [("a:1", "a"), ("[::1]:1", "[::1]"), (" A ", "a"), ("[::1", "")])
def test_the_port_is_no_part_of_the_name(header, name):
    assert host_name(header) == name


@pytest.mark.parametrize("path", ["/api/runs", "/api/nothing", "/"])
def test_a_body_of_50_mb_is_too_large_by_its_length(ask, path):
    answer = ask("POST", path, content=BIG)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert "4 MiB" in answer.json()["error"]["message"]
    assert ask("GET", "/api/runs").json()["items"] == []


def test_a_body_without_a_length_is_counted_while_it_comes(ask):
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield BIG[: 2**20]

    answer = ask("POST", "/api/runs", content=pieces())
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    assert ask("GET", "/api/runs").json()["items"] == []


def test_a_body_within_the_limit_is_read_whole(ask):
    padding = " " * (4 * 2**20 - 20)
    assert ask("POST", "/api/runs", content=f'{{"kind":"train"{padding}}}').status_code == 201


def test_every_route_of_the_api_passes_the_one_dependency(api, ask):
    documented = ask("GET", "/api/openapi.json").json()["paths"]
    routes = [(method, path) for path, methods in documented.items() for method in methods]
    assert len(routes) >= 13

    def closed() -> None:
        raise HTTPException(401)

    api.dependency_overrides[security] = closed
    for method, path in [*routes, ("get", "/api/docs"), ("get", "/api/openapi.json"), ("post", "/api/nothing")]:
        answer = ask(method.upper(), path.format(run="0" * 15), params={"runs": "*"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized"), path
