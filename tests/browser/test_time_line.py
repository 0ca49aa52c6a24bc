"""One moment for every panel: on a stream of events, and with the time line of the real page."""

from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.synthetic_stream import LANES, chunk, path, plane, tile
from tests.browser.lab_page import open_lab, wait_status
from tests.browser.stream_page import Stage

pytestmark = pytest.mark.browser
STEP = "document.querySelector('[data-step]')?.textContent"
CURSORS = "[...document.querySelectorAll('[data-graph=curves]')].map((g) => (g.layout.shapes[0] || {}).x0)"


@pytest.fixture
def staged(opened: Stage) -> Iterator[Stage]:
    opened.source.add("a", "first")
    opened.open("a")
    opened.emit("a", plane(), tile(5), path(0, 0, 21), chunk(0, 0, 20))
    later = plane("p2").model_copy(update={"step": 30, "axis_a": plane().axis_a.model_copy(update={"label": "later"})})
    opened.emit("a", later, tile(9, "p2"), path(0, 0, 41, "p2"), chunk(0, 20, 20))
    opened.painted("landscape-contour")
    yield opened
    opened.show()
    opened.source.clear()
    assert opened.complaints == []


def at(staged: Stage, step: int | None) -> None:
    staged.show("a", **({} if step is None else {"time__step": str(step)}))
    staged.page.wait_for_function(f"{CURSORS}[0] === {'undefined' if step is None else step}")
    staged.page.wait_for_function(
        "step => document.querySelector('[data-panel=lanes] tbody tr')?.children[2]?.textContent === step",
        arg=str(40 if step is None else step or ""),  # a race's first row is that of step 1
    )


def test_every_panel_shows_the_same_step(staged: Stage) -> None:
    graph = "landscape-contour"
    assert staged.layout(graph, "xaxis.title.text") == "later"
    at(staged, 12)
    staged.page.wait_for_function(
        "document.querySelector('[data-graph=landscape-contour]').layout.xaxis.title.text.startsWith('PC1')"
    )
    assert len(staged.named(graph, LANES[0], "lines")["x"]) == 13  # steps 0 … 12
    halo = next(trace for trace in staged.traces(graph) if trace.get("hoverinfo") == "skip")
    assert len(halo["x"]) == 21  # the way that is still to come stays in sight
    _, now = (t for t in staged.traces(graph) if t["name"] == LANES[0] and t.get("mode") == "markers")
    assert now["x"][0] == pytest.approx(staged.named(graph, LANES[0], "lines")["x"][-1])
    assert len(staged.named("curves", LANES[0], "lines")["x"]) == 40
    assert staged.named("curves", LANES[0], "markers")["x"] == [12]
    assert "5×5 points" in staged.line("landscape")
    at(staged, None)
    staged.page.wait_for_function(
        "document.querySelector('[data-graph=landscape-contour]').layout.xaxis.title.text === 'later'"
    )
    assert len(staged.named(graph, LANES[0], "lines")["x"]) == 41


def test_a_moment_stays_while_events_come(staged: Stage) -> None:
    at(staged, 12)
    staged.emit("a", chunk(0, 40, 10), path(0, 41, 10, "p2"))
    staged.painted("curves")
    assert staged.page.evaluate(CURSORS) == [12]
    assert len(staged.named("curves", LANES[0], "lines")["x"]) == 50
    assert len(staged.named("landscape-contour", LANES[0], "lines")["x"]) == 13


def test_a_moment_before_the_first_surface_shows_the_first(staged: Stage) -> None:
    at(staged, 0)
    staged.page.wait_for_function(
        "document.querySelector('[data-graph=landscape-contour]').layout.xaxis.title.text.startsWith('PC1')"
    )
    assert len(staged.named("landscape-contour", LANES[0], "lines")["x"]) == 1


def test_the_time_line_is_moved_by_keys_and_kept_in_the_address(page: Any, server: Any) -> None:
    run = server.start(name="race", steps=40)
    server.wait(run)
    open_lab(page, f"?runs={run}")
    page.wait_for_function(f"{STEP} === 'step 40'")
    slider = page.get_by_role("slider", name="Step that is shown")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    page.wait_for_function(f"{STEP} === 'step 37 of 40' && {CURSORS}[0] === 37")
    assert slider.get_attribute("aria-valuetext") == "step 37 of 40"
    page.wait_for_function("location.search.includes('time.step=37')")
    page.reload()
    page.wait_for_function(f"{STEP} === 'step 37 of 40'")
    page.get_by_role("button", name="Live").click()
    page.wait_for_function(f"{STEP} === 'step 40' && {CURSORS}[0] === undefined")
    page.wait_for_function("!location.search.includes('time.step')")
    page.get_by_role("slider", name="Step that is shown").focus()
    page.keyboard.press("Home")
    page.wait_for_function(f"{STEP} === 'step 0 of 40'")
    page.keyboard.press("End")
    page.wait_for_function(f"{STEP} === 'step 40'")
    assert server.run(run)["status"] == "succeeded"


def test_a_look_at_a_step_joins_the_view(page: Any, server: Any) -> None:
    run = server.start(name="race", steps=40)
    server.wait(run)
    open_lab(page, f"?runs={run}&time.step=21")
    page.wait_for_function(f"{STEP} === 'step 21 of 40'")
    assert page.is_hidden("[data-panel=spectrum]")
    page.get_by_label("What to look for").select_option(label="Spectrum")
    page.get_by_role("button", name="Look", exact=True).click()
    page.wait_for_selector("[data-panel=spectrum]", state="visible")
    page.wait_for_function(
        "document.querySelector('[data-panel=spectrum] [data-line]')?.textContent?.startsWith('step 21')"
    )
    wait_status(page, "Finished · run 2 of 2")
    shown = page.evaluate("new URLSearchParams(location.search).get('runs').split(',')")
    assert shown[0] == run
    look = server.run(shown[1])
    assert (look["kind"], look["request"]["at"][0]["step"], look["parent"]) == ("analyse", 21, run)
    assert page.locator("[data-panel=lanes] tbody tr").count() == 1


def test_what_can_be_looked_for_is_there_though_the_panels_come_late(page: Any, server: Any) -> None:
    run = server.start(name="race", steps=10)
    server.wait(run)
    open_lab(page, f"?runs={run}")
    choices = "document.querySelector('[data-look-what]')?.options.length"
    page.wait_for_function(f"{STEP} === 'step 10' && {choices} > 1")
    page.evaluate("window.grid = document.querySelector('.panel-grid')")
    page.evaluate("window.home = grid.parentElement, grid.remove()")
    page.wait_for_function("gradscape.panels().every(({ name }) => name !== 'curves')")
    page.evaluate("gradscape.timeline.touch()")
    page.wait_for_function(f"{choices} === 0")
    page.evaluate("home.prepend(grid)")
    page.wait_for_function(f"{choices} > 1")


def test_a_new_race_is_followed(page: Any, server: Any) -> None:
    run = server.start(name="race", steps=10)
    server.wait(run)
    open_lab(page, f"?runs={run}&time.step=3")
    page.wait_for_function(f"{STEP} === 'step 3 of 10'")
    page.click("#start")
    page.wait_for_function(f"!location.search.includes('{run}') && !location.search.includes('time.step')")
    page.wait_for_function(f"{STEP}.startsWith('step') && !{STEP}.includes('of')")
