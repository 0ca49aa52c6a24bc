"""Finer: the plane that is shown, drawn again with four times the points as a run that joins the view."""

from typing import Any

import pytest
from lab_page import open_lab

pytestmark = pytest.mark.browser
PROBE = {"every": 20, "analysis": {"kind": "surface", "plane": {"kind": "coordinates"}, "resolution": 9}}
SHOWN = """() => Math.max(0, ...(document.querySelector('[data-graph="landscape-contour"]').data || [])
  .filter(({type}) => type === 'contour').map(({x}) => x.length))"""


def finer(page: Any, ready: bool) -> str:
    page.wait_for_function(f"document.querySelector('[data-finer]')?.disabled === {str(not ready).lower()}")
    return str(page.get_attribute("[data-finer]", "title"))


def test_finer_draws_the_same_plane_with_four_times_the_points(page: Any, server: Any) -> None:
    server.clear()
    open_lab(page)
    assert "can be drawn finer" in finer(page, ready=False)
    race = server.start(steps=20, probes=[PROBE])
    server.wait(race)
    open_lab(page, f"?runs={race}")
    page.wait_for_function(f"({SHOWN})() === 9")
    assert finer(page, ready=True) == "Draw this plane again at 17×17 points"
    page.click("[data-finer]")
    page.wait_for_function(f"({SHOWN})() === 17")
    runs = page.evaluate("new URLSearchParams(location.search).get('runs').split(',')")
    made = server.wait(runs[1])
    assert (made["status"], made["parent"], made["name"]) == ("succeeded", race, "At 17×17 points")
    asked = made["request"]["analysis"]
    first = server.api.get(f"/runs/{race}/events?kinds=plane").json()["items"][0]["event"]
    assert (asked["resolution"], asked["plane"]["plane"]) == (17, first["plane"])
    assert finer(page, ready=True) == "Draw this plane again at 33×33 points"


def test_the_finest_grid_is_not_offered_again(page: Any, server: Any) -> None:
    server.clear()
    analysis = {"kind": "surface", "plane": {"kind": "coordinates"}, "resolution": 129}
    answer = server.api.post(
        "/runs", json={"kind": "analyse", "problem": {"function": {"kind": "saddle"}}, "analysis": analysis}
    )
    run = answer.json()["id"]
    server.wait(run)
    open_lab(page, f"?runs={run}")
    page.wait_for_function(f"({SHOWN})() === 129")
    page.wait_for_function("document.querySelector('[data-finer]')?.title === 'This is the finest grid there is'")
    assert page.locator("[data-finer]").is_disabled()
