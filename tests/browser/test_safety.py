"""The page keeps to its own policy, and a browser signs in, in a real one."""

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
# Kept in the address' session, because a page that is left takes its list along.
WATCH = """
document.addEventListener("securitypolicyviolation", (event) => {
  const told = JSON.parse(sessionStorage.getItem("violations") || "[]");
  told.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber} ${event.sample}`);
  sessionStorage.setItem("violations", JSON.stringify(told));
});
"""
PROBES = [
    {"every": 5, "analysis": {"kind": "surface", "plane": {"kind": "random"}, "resolution": 9}},
    {"every": 10, "analysis": {"kind": "sharpness", "k": 2}},
    {"every": 10, "analysis": {"kind": "roughness", "points": 20, "directions": 4}},
]
DIGITS = {
    "problem": {"data": {"kind": "digits", "examples": 200}, "model": {"kind": "mlp", "hidden": [8]}},
    "batch_size": 64, "steps": 20, "probes": PROBES,
}  # fmt: skip
PAGES = ("/", "/runs", "/docs", "/docs/analyses/sharpness.md", "/docs/presets.md", "/nothing-here", "/api/docs")
GRAPHS = "[...document.querySelectorAll('[data-graph]')].filter((graph) => graph.data?.length && graph.offsetParent)"


@pytest.fixture
def strict(browser: Any, server: Any) -> Iterator[Any]:
    """Open a page whose policy is in force; playwright's own waiting by texts is forbidden there too."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, base_url=server.url)
    page = context.new_page()
    page.add_init_script(WATCH)
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    yield page
    context.close()
    assert faults == []


def until(page: Any, expression: str, seconds: float = 60) -> Any:
    """Wait until an expression is true, looking from outside."""
    for _ in range(int(seconds * 10)):
        if found := page.evaluate(expression):
            return found
        page.wait_for_timeout(100)
    raise AssertionError(f"never true: {expression}")


def violations(page: Any) -> list[str]:
    return list(json.loads(page.evaluate("sessionStorage.getItem('violations')") or "[]"))


def test_no_page_breaks_its_policy(strict):
    for path in PAGES:
        strict.goto(path)
        strict.wait_for_load_state("networkidle")
        assert violations(strict) == [], path


def test_nothing_that_is_drawn_breaks_the_policy(strict, server):
    server.clear()
    race = server.start(**DIGITS)
    runs = [race]
    server.wait(race)
    for analysis in ({"kind": "slice"}, {"kind": "spectrum"}):
        asked = {"kind": "analyse", "at": [{"run": race, "lane": "SGD"}], "analysis": analysis}
        runs.append(server.api.post("/runs", json=asked).json()["id"])
        assert server.wait(runs[-1])["status"] == "succeeded"
    for view in ("contour", "relief"):  # the second is WebGL
        strict.goto(f"/?runs={','.join(runs)}&landscape.view={view}")
        until(strict, f"{GRAPHS}.some((graph) => graph.dataset.graph === 'landscape-{view}')")
    assert until(strict, f"{GRAPHS}.length") > 5
    with strict.expect_download():  # a picture is drawn anew on a canvas
        strict.evaluate("() => void Plotly.downloadImage(document.querySelector('[data-graph]'), {format: 'png'})")
    strict.click("[aria-label='Light or dark']")
    strict.goto("/runs")
    until(strict, "document.querySelectorAll('[row-index]').length")
    assert violations(strict) == []


def test_the_policy_is_in_force(strict):
    """What the watch would tell: a script in the page, and a picture from elsewhere."""
    strict.goto("/docs")
    strict.evaluate(
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.broken = true";
          document.body.append(script);
          new Image().src = "https://elsewhere.example/x.png";
        }"""
    )
    told = until(strict, "sessionStorage.getItem('violations')")
    assert [line.split()[0] for line in json.loads(told)] == ["script-src-elem", "img-src"]
    assert strict.evaluate("window.broken") is None


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Serve with a token; the address and the token."""
    token = secrets.token_urlsafe(16)
    environ = {**os.environ, "GRADSCAPE_TOKEN": token, "GRADSCAPE_ENGINE": "inline"}
    command = [sys.executable, "-m", "app", "serve", "--port", "0", "--data", str(tmp_path / "data")]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ, cwd=root) as process:
        assert process.stdout is not None
        told = re.search(r"http://[\d.]+:\d+", process.stdout.readline())
        assert told
        yield told.group(), token
        process.kill()  # nothing of it is kept


def test_a_person_signs_in_with_the_keyboard_or_by_the_address(browser, guarded):
    url, token = guarded
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.goto(f"{url}/runs")
    page.wait_for_selector("input:focus")  # without a click
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    page.wait_for_selector("input:focus")
    page.keyboard.type(token)
    page.keyboard.press("Enter")
    page.wait_for_selector("nav")
    assert page.url == f"{url}/runs"
    assert page.evaluate("document.cookie") == ""  # no script can read it
    page.goto(f"{url}/")
    page.wait_for_selector("#start")
    until(page, "document.querySelector('#status').textContent")
    page.click("#start")  # through the page's callbacks, the API and the stream
    until(page, "document.querySelector('#progress-text').textContent.includes('/')")
    context.clear_cookies()
    page.goto(f"{url}/sign-in#{token}")
    page.wait_for_selector("#start")
    assert page.url == f"{url}/"
    assert token not in page.content()
    assert faults == []
    context.close()
