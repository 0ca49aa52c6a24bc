"""The outermost layer: forged hosts and origins, bodies beyond the limit, headers."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from backend.api.app import create_api
from backend.api.headers import HEADERS
from backend.api.security import host_name

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


@pytest.mark.parametrize(
    "origin",
    ["http://evil.example", "https://localhost.evil.example", "null", "", "file://", "http://localhost:8051",
     "http://127.0.0.1:8050", "http://localhost", "ftp://localhost:8050", "localhost:8050"],
)  # fmt: skip
def test_a_page_of_another_site_cannot_post(ask, engine, origin):
    answer = ask("POST", "/api/runs", content='{"kind": "train"}', headers={"origin": origin})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
    assert engine.tasks == []


@pytest.mark.parametrize("base", ["http://localhost:8050", "http://127.0.0.1:1234", "http://[::1]:8050"])
def test_our_own_page_can_post(ask, base):
    for origin in (base, base.upper().replace("HTTP", "http"), base.replace("http", "https")):  # https: of a proxy
        answer = ask("POST", "/api/runs", base, content='{"kind": "train"}', headers={"origin": origin})
        assert answer.status_code == 201


def asked_at(api, server, method="GET", path="/api/health", **headers):
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=api)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{server}") as client:
            return await client.request(method, path, headers=headers)

    return asyncio.run(once())


def test_a_server_that_listens_on_every_address_knows_the_one_it_was_reached_at(service):
    api = create_api(service, version="1", own_address=True)
    assert asked_at(api, "192.168.1.7:8050").status_code == 200  # the transport reports the host as the server's own
    assert asked_at(api, "192.168.1.7:8050", host="192.168.1.8:8050").json()["error"]["code"] == "bad_host"
    assert asked_at(create_api(service, version="1"), "192.168.1.7").json()["error"]["code"] == "bad_host"


def test_pages_of_a_named_site_may_ask_and_no_others(service):
    api = create_api(service, version="1", origins=("https://lab.example",))
    asks = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    before = asked_at(api, "localhost", "OPTIONS", "/api/runs", origin="https://lab.example", **asks)
    assert before.headers["access-control-allow-origin"] == "https://lab.example"
    assert "access-control-allow-credentials" not in before.headers  # cookies stay at home
    assert asked_at(api, "localhost", origin="https://lab.example").status_code == 200
    assert asked_at(api, "localhost", origin="https://other.example").status_code == 403
    plain = asked_at(create_api(service, version="1"), "localhost")
    assert not [name for name in plain.headers if name.startswith("access-control")]


@pytest.mark.parametrize(("path", "host"), [("/api/health", "localhost"), ("/api/no", "localhost"), ("/", "evil")])
def test_every_answer_carries_the_headers(ask, path, host):
    told = ask("GET", path, headers={"host": host}).headers
    assert {name: told[name] for name in HEADERS} == HEADERS


def test_the_page_of_the_api_may_show_its_style_alone(ask):
    policy = ask("GET", "/api/docs").headers["content-security-policy"]
    assert "style-src 'sha256-" in policy
    assert "script-src" not in policy


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
