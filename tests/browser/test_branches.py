"""Balls, forks and other pictures of the same runs, in a real browser against a real server."""

import json
from typing import Any

import pytest
from browser.lab_page import open_lab, wait_status

pytestmark = pytest.mark.browser
LANE = {"name": "SGD", "optimizer": {"kind": "sgd", "lr": 0.001}}
LOOKS = [
    {"every": 5, "analysis": {"kind": kind, "plane": {"kind": "coordinates"}}} for kind in ("surface", "trajectory")
]
FINISHED = "Finished", "Finished · run 2 of 2"


@pytest.fixture
def race(server: Any) -> str:
    server.clear()
    run: str = server.start(probes=LOOKS)
    server.wait(run)
    return run


def opened(page: Any, race: str) -> None:
    open_lab(page, f"?runs={race}")
    page.wait_for_selector("[data-graph=landscape-contour] .contour", state="attached")


def members(page: Any, count: int) -> list[str]:
    page.wait_for_function(f"new URLSearchParams(location.search).get('runs').split(',').length === {count}")
    runs: str = page.evaluate("new URLSearchParams(location.search).get('runs')")
    return runs.split(",")


def first_points(server: Any, run: str) -> dict[str, Any]:
    items = server.api.get(f"/runs/{run}/events?kinds=path_points&limit=1").json()["items"]
    found: dict[str, Any] = items[0]["event"]
    return found


def resting(page: Any, selector: str) -> dict[str, float]:
    """Where an element is once the panel has made room for its row of controls."""
    before: dict[str, float] = {}
    for _ in range(50):
        page.wait_for_timeout(200)
        now: dict[str, float] = page.locator(selector).first.bounding_box()
        if now == before:
            return now
        before = now
    raise AssertionError(f"{selector} never came to rest")


def test_a_click_on_the_surface_drops_a_ball_that_joins_the_view(page: Any, server: Any, race: str) -> None:
    opened(page, race)
    page.click("[data-tool=ball]")
    box = resting(page, "[data-graph=landscape-contour] .nsewdrag")
    page.mouse.click(box["x"] + 0.75 * box["width"], box["y"] + 0.25 * box["height"])
    ball = members(page, 2)[1]
    made = server.wait(ball)
    assert made["parent"] == race
    origin = made["request"]["origin"]
    assert origin["run"] == race
    assert (origin["a"], origin["b"]) == (pytest.approx(0.5, abs=0.02), pytest.approx(0.5, abs=0.02))
    assert first_points(server, ball)["plane"] == origin["plane"]
    page.wait_for_function(
        """() => document.querySelector('[data-graph=landscape-contour]').data
             .filter(({mode, hoverinfo}) => mode === 'lines' && hoverinfo !== 'skip').length === 2"""
    )
    styles = page.evaluate(
        """document.querySelector('[data-graph=landscape-contour]').data
             .filter(({mode, hoverinfo}) => mode === 'lines' && hoverinfo !== 'skip').map(({line}) => line.color)"""
    )
    assert len(set(styles)) == 2
    page.click("[data-strip=ball] [data-undo]")
    assert members(page, 1) == [race]


def test_a_ball_drops_in_three_dimensions(page: Any, server: Any, race: str) -> None:
    open_lab(page, f"?runs={race}&landscape.view=relief")
    relief = "document.querySelector('[data-graph=landscape-relief]')"
    page.wait_for_function(f"{relief}.data?.some(({{type}}) => type === 'surface')")
    page.click("[data-tool=ball]")
    point = "{x: 1, y: 2, data: {type: 'surface'}}"  # Rosenbrock's picture runs from −2 to 2 and from −1 to 3
    page.evaluate(f"{relief}.emit('plotly_click', {{points: [{point}]}})")
    origin = server.wait(members(page, 2)[1])["request"]["origin"]
    assert (origin["a"], origin["b"]) == (0.5, 0.5)


def test_keys_alone_drop_a_ball_at_given_coordinates(page: Any, server: Any, race: str) -> None:
    opened(page, race)
    page.focus("[data-tool=ball]")
    page.keyboard.press("Enter")
    a, b = page.locator("[data-strip=ball] input").all()
    a.fill("-0.25")
    b.fill("0.125")
    page.keyboard.press("Enter")
    ball = members(page, 2)[1]
    origin = server.wait(ball)["request"]["origin"]
    assert (origin["a"], origin["b"]) == (-0.25, 0.125)
    page.keyboard.press("Escape")
    assert page.is_hidden("[data-strip=ball]")
    page.click(f"#members li[data-run='{race}'] button")
    assert members(page, 1) == [ball]
    page.wait_for_selector("[data-panel=landscape][data-state=ready]")
    assert len(page.evaluate("document.querySelector('[data-graph=landscape-contour]').data")) > 3


def test_a_lane_is_forked_at_the_nearest_kept_step(page: Any, server: Any, race: str) -> None:
    opened(page, race)
    page.click("[data-tool=fork]")
    page.fill("[data-strip=fork] [data-step]", "7")
    page.click("[data-strip=fork] .gs-do")
    fork = members(page, 2)[1]
    made = server.wait(fork)
    assert made["request"]["origin"] == {"run": race, "lane": "SGD", "step": 7, "repeat": 0}
    assert made["parent"] == race
    wait_status(page, *FINISHED)


def test_another_plane_and_a_slice_are_drawn_from_the_panel(page: Any, server: Any, race: str) -> None:
    opened(page, race)
    page.click("[data-tool=look]")
    page.select_option("[data-strip=look] select", "eigen")
    page.click("[data-strip=look] .gs-do")
    members(page, 2)
    page.wait_for_function(
        "document.querySelector('[data-graph=landscape-contour]').layout.xaxis.title.text.startsWith('v₁')"
    )
    page.click("[data-tool=look]")
    page.select_option("[data-strip=look] select", "slice_eigen")
    page.click("[data-strip=look] .gs-do")
    runs = members(page, 3)
    assert server.wait(runs[2])["request"]["analysis"]["line"]["kind"] == "eigen"
    page.wait_for_selector("[data-panel=slice][data-state=ready]")
    zoom = {"xaxis.range[0]": -0.25, "xaxis.range[1]": 0.25}
    graph = "document.querySelector('[data-graph=slice]')"
    page.evaluate(f"Plotly.relayout({graph}, {json.dumps(zoom)})")
    finer = members(page, 4)[3]
    analysis = server.wait(finer)["request"]["analysis"]
    assert (analysis["low"], analysis["high"]) == (-0.25, 0.25)
    page.wait_for_function(f"{graph}.data.length === 2")


def test_a_reach_that_cannot_be_is_said_and_a_dimension_is_asked_for_at_the_start(
    page: Any, server: Any, race: str
) -> None:
    opened(page, race)
    page.click("[data-tool=look]")
    page.select_option("[data-strip=look] select", "random")
    page.fill("[data-strip=look] [data-reach]", "0")
    page.click("[data-strip=look] .gs-do")
    assert "above 0 and at most 1000" in page.inner_text("[data-strip=look] [data-said]")
    page.select_option("[data-strip=look] select", "dimension_loss")
    assert page.locator("[data-strip=look] [data-reach]").is_hidden()
    assert page.inner_text("[data-strip=look] [data-said]").endswith("From the first lane's initial point.")
    page.click("[data-strip=look] .gs-do")
    made = server.wait(members(page, 2)[1])
    assert [(point["lane"], point["step"]) for point in made["request"]["at"]] == [("SGD", 0)]
    assert made["request"]["analysis"]["score"] == "likelihood"
    page.wait_for_selector("[data-panel=dimension]", state="visible")


def test_what_is_drawn_is_saved_in_true_values(page: Any, server: Any, race: str, tmp_path: Any) -> None:
    opened(page, race)
    page.click("[data-panel=landscape] [data-tool=save]")
    kept = {}
    for name in ("SVG", "CSV", "HTML page"):
        with page.expect_download() as download:
            page.click(f"[data-panel=landscape] [data-strip=save] >> text='{name}'")
        kept[name] = tmp_path / download.value.suggested_filename
        download.value.save_as(kept[name])
    assert kept["SVG"].read_text("utf-8").startswith("<svg")
    assert kept["HTML page"].name == f"gradscape-{race}.html"
    rows = [line.split(",") for line in kept["CSV"].read_text("utf-8").splitlines()]
    assert rows[0] == ["trace", "x", "y", "z", "error"]
    heights = [float(row[3]) for row in rows if row[0] == "surface"]
    assert len(heights) == 33 * 33
    assert [row[0] for row in rows].count("SGD") == 21  # the path: a row a step
    corner = next(row for row in rows if row[0] == "surface" and row[1:3] == ["-2", "-1"])
    assert float(corner[3]) == pytest.approx((1 + 2) ** 2 + 100 * (-1 - 4) ** 2, rel=1e-5)  # Rosenbrock's own


def test_a_step_that_is_pointed_at_is_pointed_at_everywhere(page: Any, race: str) -> None:
    opened(page, race)
    flat, curves = (f"document.querySelector('[data-graph={name}]')" for name in ("landscape-contour", "curves"))
    page.wait_for_function(f"{flat}.dataset.linked && {curves}.dataset.linked && {curves}.data.length > 0")
    path = f"{flat}.data.findIndex(({{mode, hoverinfo}}) => mode === 'lines' && hoverinfo !== 'skip')"
    said = "[...document.querySelectorAll('[data-graph={}] .hoverlayer .hovertext')].map((e) => e.textContent).join()"
    page.evaluate(f"{flat}.emit('plotly_hover', {{points: [{{curveNumber: {path}, pointNumber: 13}}]}})")
    page.wait_for_function(f"{said.format('curves')}.startsWith('SGD · 13')")
    page.evaluate(f"{flat}.emit('plotly_unhover', {{}})")
    page.wait_for_function(f"{said.format('curves')} === ''")
    page.evaluate(f"{curves}.emit('plotly_hover', {{points: [{{curveNumber: 0, pointNumber: 4}}]}})")
    page.wait_for_function(f"{said.format('landscape-contour')}.includes('step 5')")
