"""From another machine, without the token: every route, the page's own and its files included."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.exposure import exposed, host_names, with_token
from app.settings import Settings, SettingsError
from app.wiring import Application, build
from backend.api.openapi import document
from frontend.app import ASSETS

TOKEN = "a-token-of-the-tests"
OTHERS = "http://192.168.7.7:8050"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD")


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    data = tmp_path_factory.mktemp("data")
    made = build(Settings(data=data, engine="inline", host="0.0.0.0", token=TOKEN, rate_limit=0))
    yield made
    made.close()


def ask(application: Application, asked: list[tuple[str, str]], **headers: str) -> list[httpx.Response]:
    async def all_of_them() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=application.api, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=OTHERS, headers=headers) as client:
            return [await client.request(method, path) for method, path in asked]

    return asyncio.run(all_of_them())


def addresses(application: Application) -> list[str]:
    """Every route that the application has, its parameters filled in, every file, and what is not there."""
    paths = {getattr(route, "path", "") for route in application.api.routes} - {""}
    paths |= set(document(application.api)["paths"])
    assert {"/_dash-layout", "/_dash-update-component", "/api/runs", "/api/stream"} <= paths
    filled = {path.replace("{run}", "0" * 15).replace("{rest:path}", "x").replace("{path:path}", "x") for path in paths}
    files = {f"/assets/{file.name}" for file in ASSETS.iterdir()}
    suites = {"/_dash-component-suites/dash/dcc/dash_core_components.js", "/_dash-component-suites/plotly/x.js"}
    return sorted({*filled, *files, *suites, "/", "/runs", "/docs/README.md", "/nothing", "/api", "/api/", "//", "/.."})


def test_a_stranger_gets_401_everywhere(application):
    asked = [(method, path) for path in addresses(application) for method in METHODS]
    assert len(asked) > 300
    for (method, path), answer in zip(asked, ask(application, asked), strict=True):
        if (method, path) == ("GET", "/api/health"):
            assert answer.status_code == 200
        else:
            assert answer.status_code == 401, (method, path)
            assert b"dash" not in answer.content.lower(), (method, path)


def test_a_wrong_token_is_nobody(application):
    asked = [("GET", path) for path in addresses(application) if path != "/api/health"]
    answers = ask(application, asked, authorization=f"Bearer {TOKEN}x", cookie="gradscape-00000000=9999999999.00")
    assert {answer.status_code for answer in answers} == {401}


def test_a_forged_name_is_refused_before_the_token_is_looked_at(application):
    (answer,) = ask(application, [("GET", "/")], host="evil.example", authorization=f"Bearer {TOKEN}")
    assert answer.json()["error"]["code"] == "bad_host"
    (answer,) = ask(application, [("POST", "/api/runs")], origin="http://evil.example", authorization=f"Bearer {TOKEN}")
    assert answer.json()["error"]["code"] == "forbidden"


def test_with_the_token_the_page_and_its_files_are_there(application):
    asked = [("GET", path) for path in ("/", "/assets/style.css", "/_dash-layout", "/api/runs", "/api/docs")]
    answers = ask(application, asked, authorization=f"Bearer {TOKEN}")
    assert {path: answer.status_code for (_, path), answer in zip(asked, answers, strict=True)} == {
        path: 200 for _, path in asked
    }
    policy = answers[0].headers["content-security-policy"]
    assert "unsafe-eval" not in policy
    assert "http" not in policy.replace("https:", "http:").replace("'", "").partition("script-src")[0]
    assert "script-src 'self' 'sha256-" in policy


@pytest.mark.parametrize(
    ("settings", "others"),
    [
        ({}, False),
        ({"host": "localhost"}, False),
        ({"host": "127.0.0.2"}, False),
        ({"host": "::1"}, False),
        ({"host": "0.0.0.0"}, True),
        ({"host": "::"}, True),
        ({"host": "192.168.1.7"}, True),
        ({"host": "lab.example"}, True),
        ({"allowed_hosts": ("localhost", "lab.example")}, True),  # of a proxy
        ({"origins": ("https://lab.example",)}, True),
    ],
)
def test_a_token_is_made_as_soon_as_others_can_come(settings, others):
    asked = Settings(**settings)
    assert exposed(asked) is others
    made, told = with_token(asked)
    assert (made.token is not None, told) == (others, others)
    if others:
        assert len(made.token or "") >= 32
        assert with_token(asked)[0].token != made.token
        assert made.token not in repr(made)
        with pytest.raises(SettingsError, match="GRADSCAPE_TOKEN"):
            build(asked)
    given = Settings(**settings, token=TOKEN)
    assert with_token(given) == (given, False)


def test_the_servers_own_names_are_let_in():
    assert host_names(Settings()) == ("localhost", "127.0.0.1", "[::1]")
    assert host_names(Settings(host="192.168.1.7"))[-1] == "192.168.1.7"
    assert host_names(Settings(host="fd00::1"))[-1] == "[fd00::1]"
    assert len(host_names(Settings(host="0.0.0.0"))) == 4


@pytest.mark.parametrize(
    "token", ["short", "with a space in it all", "ünsichtbar-und-lang-genug", "tab\tand-long-enough-1"]
)
def test_a_weak_token_is_refused_without_being_repeated(token):
    with pytest.raises(SettingsError, match="16 or more visible") as refused:
        Settings.read({"GRADSCAPE_TOKEN": token})
    assert token not in str(refused.value)


@pytest.mark.parametrize("origin", ["lab.example", "https://", "https://lab.example/", "ftp://lab.example", "*"])
def test_an_origin_has_a_scheme_and_a_host_and_no_more(origin):
    with pytest.raises(SettingsError, match="expected an origin"):
        Settings.read({"GRADSCAPE_ORIGINS": origin})


def test_nothing_is_stored_of_the_token(application, tmp_path: Path):
    ask(application, [("GET", "/api/runs")], authorization=f"Bearer {TOKEN}")
    files = [file for file in application.service.folder("x").parents[1].rglob("*") if file.is_file()]
    assert files
    assert not [file for file in files if TOKEN.encode() in file.read_bytes()]
