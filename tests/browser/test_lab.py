"""The Lab in a real browser, against a real server with a real worker."""

from typing import Any

import pytest
from lab_page import STATUS, drawn, field, open_lab, run_id, set_up, settle, step, union, wait_status

from frontend.presets import PRESETS

pytestmark = pytest.mark.browser
SHORT = {"steps": "30", "pace": "", "batch_size": "128"}
LONG = {"steps": "2000", "pace": "20"}
UNNAMED = """() => [...document.querySelectorAll('button, input, a, select, summary, [role=slider], [role=switch]')]
  .filter((e) => e.offsetParent && e.type !== 'hidden' && e.tabIndex >= 0)
  .filter((e) => !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.textContent.trim()
    || (e.labels && e.labels.length)))
  .map((e) => e.outerHTML.slice(0, 200))"""


@pytest.fixture(autouse=True)
def _nothing_runs(server: Any) -> None:
    server.clear()


def test_it_opens_ready_to_start(page: Any) -> None:
    open_lab(page)
    assert page.title() == "Gradscape"
    assert page.inner_text("#status") == "Ready"
    assert page.locator(".lane").count() == 4
    assert [field(page, f"lanes.{i}.name").input_value() for i in range(4)] == ["SGD", "Momentum", "RMSProp", "Adam"]
    assert page.locator("nav a").all_inner_texts() == ["Lab", "Compare", "Runs", "Docs"]
    assert PRESETS[0].sentence in page.inner_text("#preset-note")
    assert page.is_enabled("#start")
    assert page.is_disabled("#pause")


def test_start_draws(page: Any, server: Any) -> None:
    open_lab(page)
    set_up(page, **SHORT)
    page.click("#start")
    page.wait_for_function("document.querySelectorAll('[data-graph] .trace').length > 0", timeout=30_000)
    wait_status(page, "Finished", seconds=60)
    assert server.run(run_id(page))["status"] == "succeeded"
    names = [name for name, _ in settle(page)]
    assert len(names) == 2


def test_controls_steer_the_race(page: Any, server: Any) -> None:
    open_lab(page)
    set_up(page, **LONG)
    page.click("#start")
    wait_status(page, "Running")
    page.click("#pause")
    wait_status(page, "Paused")
    run = run_id(page)
    page.wait_for_timeout(700)
    before = step(page)
    page.click("#step")
    page.wait_for_function(f"document.querySelector('#progress-text').textContent.includes('step {before + 1}/')")
    assert server.run(run)["paused"]
    page.click("#pause")
    wait_status(page, "Running")
    page.wait_for_function(
        f"Number(document.querySelector('#progress-text').textContent.split(/[ /]/)[1]) > {before + 3}"
    )
    page.click("#cancel")
    wait_status(page, "Cancelled")
    assert server.run(run)["status"] == "cancelled"
    assert page.is_disabled("#pause")


def test_a_learning_rate_steers_the_running_race(page: Any, server: Any) -> None:
    open_lab(page)
    set_up(page, **LONG)
    page.click("#start")
    wait_status(page, "Running")
    field(page, "lanes.0.optimizer.lr").fill("0.25")
    run = run_id(page)
    for _ in range(100):
        page.wait_for_timeout(100)
        items = server.api.get(f"/runs/{run}/events?kinds=controlled").json()["items"]
        if items:
            break
    told = items[0]["event"]
    assert (told["lane"], told["field"], told["value"]) == ("SGD", "lr", 0.25)


def test_the_whole_page_works_with_the_keyboard(page: Any) -> None:
    open_lab(page)
    set_up(page, **LONG)
    page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
    reached = []
    for _ in range(120):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.id"))
        assert page.evaluate("getComputedStyle(document.activeElement).visibility") == "visible"
        if reached[-1] == "start":
            break
    assert reached[-1] == "start"
    page.keyboard.press("Enter")
    wait_status(page, "Running")
    page.wait_for_function("document.activeElement.id === 'pause'")
    page.keyboard.press("Space")
    wait_status(page, "Paused")
    page.wait_for_timeout(700)
    before = step(page)
    page.keyboard.press("ArrowRight")
    page.wait_for_function(f"document.querySelector('#progress-text').textContent.includes('step {before + 1}/')")
    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_text("Pause or resume").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="hidden")


def test_keys_are_left_to_whoever_types(page: Any) -> None:
    open_lab(page)
    name = field(page, "lanes.0.name")
    name.fill("")
    name.press_sequentially("plain SGD?")
    assert name.input_value() == "plain SGD?"
    assert page.get_by_role("dialog").count() == 0


def test_every_control_has_a_name(page: Any) -> None:
    open_lab(page)
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = true")
    assert page.evaluate(UNNAMED) == []


@pytest.mark.parametrize(
    ("path", "typed", "name", "said"),
    [
        ("lanes.2.optimizer.lr", "-1", "RMSProp · Learning rate", "greater than 0"),
        ("lanes.2.optimizer.lr", "nan", "RMSProp · Learning rate", "number"),
        ("lanes.1.optimizer.momentum", "fast", "Momentum · Momentum", "number"),
        ("steps", "0", "Steps", "greater than or equal to 1"),
        ("batch_size", "5000", "Batch size", "at most the 1500 training examples"),
        ("problem.model.hidden", "32, x", "problem.model.hidden.1", "integer"),
    ],
)
def test_an_error_is_told_at_its_field(page: Any, server: Any, path: str, typed: str, name: str, said: str) -> None:
    open_lab(page)
    page.evaluate("for (const d of document.querySelectorAll('.lane details')) d.open = true")
    set_up(page, **{path.replace(".", "__"): typed})
    page.evaluate("for (const d of document.querySelectorAll('details')) d.open = false")
    page.click("#start")
    page.locator("#notice .notice").wait_for()
    assert name in page.inner_text("#notice")
    assert said in page.inner_text("#notice")
    control = field(page, path)
    control.wait_for()
    assert control.input_value() == typed
    assert control.get_attribute("aria-invalid") == "true"
    assert server.api.get("/runs").json()["items"] == []
    control.fill({"steps": "20", "batch_size": "64", "problem.model.hidden": "8"}.get(path, "0.1"))
    page.click("#start")
    page.wait_for_function("location.search.includes('runs=')")
    page.wait_for_function("document.querySelectorAll('#notice .notice').length === 0")


def test_two_lanes_of_one_name_are_told_of(page: Any) -> None:
    open_lab(page)
    set_up(page, lanes__1__name="SGD")
    page.click("#start")
    page.locator("#notice .notice").wait_for()
    assert "two lanes are named 'SGD'" in page.inner_text("#notice")


def test_lanes_come_and_go(page: Any) -> None:
    open_lab(page)
    page.get_by_label("Remove lane 1").click()
    page.wait_for_function("document.querySelectorAll('.lane').length === 3")
    page.get_by_label("Duplicate lane 1").click()
    page.wait_for_function("document.querySelectorAll('.lane').length === 4")
    assert field(page, "lanes.3.name").input_value() == "Momentum 2"
    for count in range(5, 9):
        page.click("#add-lane")
        page.wait_for_function(f"document.querySelectorAll('.lane').length === {count}")
    page.wait_for_function("document.querySelector('#add-lane').disabled")


def test_what_was_typed_survives_another_choice(page: Any) -> None:
    open_lab(page)
    set_up(page, steps="77", lanes__0__optimizer__lr="0.03")
    union(page, "problem.data").click()
    page.get_by_role("option", name="Sine").click()
    field(page, "problem.data.frequency").wait_for()
    assert field(page, "steps").input_value() == "77"
    assert field(page, "lanes.0.optimizer.lr").input_value() == "0.03"
    assert union(page, "problem.loss").input_value() == "Squared error"


def test_a_slider_and_its_field_say_the_same(page: Any) -> None:
    open_lab(page)
    rate = field(page, "lanes.3.optimizer.lr")
    thumb = page.get_by_role("slider").nth(3)
    thumb.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("(e) => e.value === '0.01'", arg=rate.element_handle())
    rate.fill("0.1")
    page.wait_for_function("(e) => Number(e.getAttribute('aria-valuenow')) === -1", arg=thumb.element_handle())
    rate.fill("abc")
    page.wait_for_timeout(500)
    assert rate.input_value() == "abc"


def test_the_address_shows_the_same(page: Any, server: Any) -> None:
    run = server.start(steps=40, name="kept", probes=PRESETS[1].request["probes"])
    server.wait(run)
    open_lab(page, f"?runs={run}")
    wait_status(page, "Finished")
    first = settle(page)
    assert field(page, "steps").input_value() == "40"
    page.reload()
    page.wait_for_selector("#start")
    wait_status(page, "Finished")
    assert settle(page) == first
    assert run_id(page) == run


def test_a_race_that_was_watched_is_reopened_exactly(page: Any) -> None:
    open_lab(page)
    set_up(page, **SHORT)
    page.click("#start")
    wait_status(page, "Finished", seconds=60)
    watched = settle(page)
    page.reload()
    page.wait_for_selector("#start")
    wait_status(page, "Finished")
    assert settle(page) == watched


def test_one_start_can_open_three_runs(page: Any, server: Any) -> None:
    open_lab(page)
    page.click("#presets")
    page.get_by_role("menuitem").filter(has_text="Spirals").click()
    page.wait_for_function("document.querySelector('#preset-note').textContent.includes('3 runs')")
    set_up(page, steps="30", pace="")
    page.click("#start")
    page.wait_for_function("(new URLSearchParams(location.search).get('runs') || '').split(',').length === 3")
    wait_status(page, "Finished · run 3 of 3", seconds=90)
    sizes = [item["request"]["problem"]["model"]["hidden"] for item in server.api.get("/runs").json()["items"]]
    assert sorted(sizes) == [[2, 2], [8, 8], [32, 32]]


def test_a_run_that_is_gone_is_said_to_be(page: Any) -> None:
    open_lab(page, f"?runs={'0' * 15}")
    page.locator("#notice .notice").wait_for()
    assert "is not here" in page.inner_text("#notice")
    assert [traces for _, traces in drawn(page) if traces] == []


def test_the_link_is_copied(page: Any, server: Any) -> None:
    run = server.start(steps=5)
    open_lab(page, f"?runs={run}")
    page.wait_for_function(f"{STATUS} !== 'Ready'")
    page.click("#copy-link")
    page.wait_for_function("document.querySelector('#copied').textContent === 'Link copied'")
    assert page.evaluate("navigator.clipboard.readText()") == page.url
    assert run in page.url


def test_light_and_dark_are_kept(page: Any) -> None:
    open_lab(page)
    ground = "getComputedStyle(document.body).backgroundColor"
    before = page.evaluate(ground)
    page.click("#theme-switch")
    page.wait_for_function(f"{ground} !== '{before}'")
    after = page.evaluate(ground)
    page.reload()
    page.wait_for_selector("#start")
    assert page.evaluate(ground) == after


def test_the_set_up_can_be_folded_away(page: Any) -> None:
    open_lab(page)
    page.click("#setup-toggle")
    page.locator("#setup").wait_for(state="hidden")
    page.click("#setup-toggle")
    page.locator("#setup").wait_for()


@pytest.mark.parametrize("size", [(1280, 800), (1024, 768), (390, 844)])
def test_nothing_overflows(page: Any, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    open_lab(page)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
