"""An exported page, opened from disk in a browser without a network."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
LOOKS = [
    {"every": 5, "analysis": {"kind": kind, "plane": {"kind": "coordinates"}}} for kind in ("surface", "trajectory")
]
GRAPH = "document.querySelector('[data-graph={}]')"


@pytest.fixture(scope="module")
def exported(server: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    race = server.start(probes=LOOKS, name="a race </script><b>")
    server.wait(race)
    other = server.start(name="beside it")
    server.wait(other)
    answer = server.api.get(f"/runs/{race}/export?format=html&beside={other}&choices=landscape.scale%3Dlinear")
    assert answer.headers["content-type"].startswith("text/html")
    assert f"gradscape-{race}.html" in answer.headers["content-disposition"]
    path = tmp_path_factory.mktemp("export") / "page.html"
    path.write_bytes(answer.content)
    return path


@pytest.fixture
def offline(browser: Any, exported: Path) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    page = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto(exported.as_uri())
    page.wait_for_selector("[data-panel=curves][data-state=ready]")
    page.wait_for_selector("[data-graph=landscape-contour] .contour", state="attached")
    yield page
    context.close()
    assert [url for url in asked if not url.startswith(("data:", "blob:"))] == [exported.as_uri()]
    assert faults == []


def test_it_draws_what_was_seen_without_any_request(offline: Any) -> None:
    assert offline.title() == "a race </script><b> · beside it · Gradscape"
    assert offline.locator(".gs-panel-lanes tbody tr").count() == 2
    assert offline.locator(".gs-panel-standings tbody tr").count() == 2
    assert offline.get_attribute("[data-choice='landscape.scale'][data-value=linear]", "aria-pressed") == "true"
    assert offline.evaluate(f"{GRAPH.format('curves')}.data.length") >= 2
    assert offline.evaluate("document.querySelector('.exported-requests pre').textContent.includes('rosenbrock')")


def test_its_choices_and_its_replay_work(offline: Any) -> None:
    offline.click("[data-choice='landscape.view'][data-value=relief]")
    offline.wait_for_function(f"{GRAPH.format('landscape-relief')}.data?.some(({{type}}) => type === 'surface')")
    offline.click("#exported-theme")
    assert offline.get_attribute("html", "data-mantine-color-scheme") == "dark"
    rows = "document.querySelector('.gs-panel-lanes tbody td:nth-child(3)')?.textContent"
    last = offline.evaluate(rows)
    offline.locator("[data-timeline] [data-range]").fill("5")
    offline.wait_for_function(f"{rows} === '5'")
    offline.click("[data-choice='landscape.view'][data-value=contour]")  # a slow machine draws no film in space
    offline.click("#exported-replay")
    offline.wait_for_function(f"!['5', '{last}'].includes({rows})")
    offline.wait_for_function(f"{rows} === '{last}'", timeout=90_000)
