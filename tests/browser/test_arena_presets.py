"""Presets that start more than a race, from the menu."""

from typing import Any

import pytest

from tests.browser.lab_page import SECONDS, open_lab

pytestmark = pytest.mark.browser
RUNS = "(new URLSearchParams(location.search).get('runs') || '').split(',')"


@pytest.fixture(autouse=True)
def _no_runs(server: Any) -> Any:
    server.clear()
    yield
    server.clear()


def test_basins_are_two_clicks_away_and_of_the_lanes_rules(page: Any, server: Any) -> None:
    open_lab(page)
    page.click("#presets")
    page.locator("[role=menu]").get_by_text("Basins of attraction", exact=True).click()
    page.wait_for_function("document.querySelector('#preset-note')?.textContent.includes('Start also draws: basins')")
    page.click("#start")
    page.wait_for_function(f"{RUNS}.length === 2", timeout=60 * SECONDS)
    race, basins = (server.run(run) for run in page.evaluate(RUNS))
    assert (race["kind"], basins["kind"]) == ("train", "analyse")
    named = [lane["name"] for lane in race["request"]["lanes"]]
    assert [rule["name"] for rule in basins["request"]["analysis"]["rules"]] == named == ["SGD", "Momentum", "Adam"]
    assert basins["request"]["problem"] == race["request"]["problem"]
    server.api.post(f"/runs/{race['id']}/control", json={"action": "cancel"})  # the only worker is wanted for the map
    page.wait_for_function(
        "(document.querySelector('[data-graph=basin]')?.data || []).length > 0", timeout=120 * SECONDS
    )
    page.wait_for_function("document.querySelector('.gs-panel-basin [data-line]')?.textContent.startsWith('SGD')")
    page.get_by_text("Make one run instead", exact=True).first.click()
    page.wait_for_function("!document.querySelector('#preset-note')?.textContent.includes('Start also draws')")
