"""The token: who is let in, by a header or a cookie, and what strangers see."""

import asyncio

import httpx
import pytest
from starlette.datastructures import Headers

from backend.api.access import SESSION, Access
from backend.api.app import create_api
from backend.api.gate import LARGEST
from backend.api.sign_in import local

TOKEN = "a-token-of-the-tests"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def access(clock) -> Access:
    return Access(TOKEN, clock)


def cookie(access: Access, value: str) -> Headers:
    return Headers({"cookie": f"other=1; {access.cookie}={value}; last=2"})


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer  {TOKEN} "])
def test_the_token_opens(access, header):
    assert access.admits(Headers({"authorization": header}))


@pytest.mark.parametrize(
    "header",
    ["", TOKEN, "Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer \udcff"],
)
def test_nothing_else_does(access, header):
    assert not access.admits(Headers({"authorization": header} if header.isascii() else {}))
    assert access.knows(header) is (header == TOKEN)


def test_a_session_opens_until_it_ends(access, clock):
    value = access.session()
    assert TOKEN not in value
    assert access.admits(cookie(access, value))
    clock.now += SESSION - 1
    assert access.admits(cookie(access, value))
    clock.now += 2
    assert not access.admits(cookie(access, value))


def test_a_forged_session_does_not(access, clock):
    expiry, mark = access.session().split(".")
    for forged in ("", ".", expiry, f"{int(expiry) + 1}.{mark}", f"{expiry}.{mark[:-1]}", f"x.{mark}", f"{expiry}.é"):
        assert not access.admits(cookie(access, forged))
    assert not access.admits(cookie(access, Access("another-token-of-tests", clock).session()))
    assert Access("another-token-of-tests").cookie != access.cookie


@pytest.mark.parametrize("then", ["/", "/runs?status=running&x=1", "/a/b#c"])
def test_an_address_of_this_server_is_gone_to(then):
    assert local(then) == then


@pytest.mark.parametrize(
    "then", ["", "//evil.example", "/\\evil", "https://evil.example", "evil", "/a\r\nSet-Cookie: x"]
)
def test_an_address_elsewhere_is_not(then):
    assert local(then) == "/"


@pytest.fixture
def closed(service):
    """Ask a server that needs the token; cookies are kept."""
    api = create_api(service, version="1", token=TOKEN)
    jar = httpx.Cookies()

    def ask(method: str, path: str, **more) -> httpx.Response:
        async def once() -> httpx.Response:
            transport = httpx.ASGITransport(app=api, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost", cookies=jar) as client:
                answer = await client.request(method, path, **more)
                jar.clear()
                jar.update(client.cookies)
                return answer

        return asyncio.run(once())

    return ask


def test_a_stranger_learns_that_the_server_is_up_and_no_more(closed):
    assert closed("GET", "/api/health").json() == {
        "status": "ok", "live": True, "ready": True, "version": None, "engine": None, "workers": [], "queued": None,
    }  # fmt: skip
    known = closed("GET", "/api/health", headers={"authorization": f"Bearer {TOKEN}"}).json()
    assert (known["engine"], known["workers"], known["version"]) == ("fake", ["idle"], "1")
    for method, path in (
        ("POST", "/api/health"),
        ("GET", "/api/health/"),
        ("GET", "//api/health"),
        ("PUT", "/sign-in"),
    ):
        assert closed(method, path).status_code == 401, path
    refused = closed("GET", "/api/runs")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "unauthorized")
    assert refused.headers["www-authenticate"] == "Bearer"


def test_a_browser_signs_in_and_out(closed):
    asked = closed("GET", "/runs?tag=a&x=%22", headers={"accept": "text/html,*/*"})
    assert asked.status_code == 401
    assert 'value="/runs?tag=a&amp;x=%22"' in asked.text
    wrong = closed("POST", "/sign-in", data={"token": "no", "then": "/runs"})
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
    assert "not this server" in wrong.text
    right = closed("POST", "/sign-in", data={"token": f" {TOKEN} ", "then": "/runs?tag=a"})
    assert (right.status_code, right.headers["location"]) == (303, "/runs?tag=a")
    made = right.headers["set-cookie"]
    assert "HttpOnly" in made
    assert "SameSite=lax" in made
    assert "Secure" not in made
    assert TOKEN not in made
    assert closed("GET", "/api/runs").status_code == 200
    assert "Sign out" in closed("GET", "/sign-in").text
    assert closed("POST", "/sign-out").status_code == 303
    assert closed("GET", "/api/runs").status_code == 401


def test_signing_in_reads_no_large_form_and_leads_nowhere_else(closed):
    form = {"token": TOKEN, "then": "//evil.example"}
    assert closed("POST", "/sign-in", data=form).headers["location"] == "/"
    assert closed("POST", "/sign-in", content=f"x={'x' * LARGEST}&token={TOKEN}").status_code == 401
    assert closed("POST", "/sign-in", content=b"\xff\xfe&&&=&token").status_code == 401
    assert closed("POST", "/sign-in", content="&".join("a=1" for _ in range(50))).status_code == 401


def test_over_https_the_cookie_stays_there(service):
    api = create_api(service, version="1", token=TOKEN)

    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=api)
        async with httpx.AsyncClient(transport=transport, base_url="https://localhost") as client:
            return await client.post("/sign-in", data={"token": TOKEN})

    assert "Secure" in asyncio.run(once()).headers["set-cookie"]
