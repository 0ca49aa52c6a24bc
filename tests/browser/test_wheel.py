"""Steering in the page: what is changed takes effect, is marked on the curves, and filters and schedules are chosen."""

from typing import Any

import pytest
from lab_page import field, open_lab, run_id, set_up, union, wait_status

pytestmark = pytest.mark.browser

MARKS = """() => [...document.querySelectorAll('[data-graph="curves"]')]
  .flatMap((graph) => (graph.data || []).filter((trace) => trace.marker && trace.marker.symbol === 'triangle-down'))
  .map((trace) => [...trace.text].join())"""


@pytest.fixture(autouse=True)
def _no_runs(server: Any) -> None:
    server.clear()


def test_a_momentum_is_steered_and_marked(page: Any, server: Any) -> None:
    open_lab(page)
    set_up(page, steps="20000", pace="60")
    page.locator(".lane summary").first.click()
    page.click("#start")
    wait_status(page, "Running")
    page.wait_for_timeout(500)
    page.click("#pause")
    wait_status(page, "Paused")
    field(page, "lanes.0.optimizer.momentum").fill("0.5")
    page.wait_for_function(f"({MARKS})().length === 1", timeout=20_000)
    (text,) = page.evaluate(MARKS)
    assert "SGD: momentum set to 0.5" in text
    events = server.api.get(f"/runs/{run_id(page)}/events?kinds=controlled").json()["items"]
    sets = [each["event"] for each in events if each["event"]["action"] == "set"]
    assert [(each["lane"], each["field"], each["value"]) for each in sets] == [("SGD", "momentum", 0.5)]


def test_rules_are_found_by_typing_and_filters_are_sent(page: Any, server: Any) -> None:
    open_lab(page)
    rule = union(page, "lanes.0.optimizer")
    rule.click()
    rule.fill("sam")
    page.get_by_role("option", name="SAM").click()
    page.wait_for_function("document.querySelector('.lane-name input').value === 'SAM'")
    page.locator(".lane summary").first.click()
    union(page, "lanes.0.filters").click()
    page.get_by_role("option", name="Clip").click()
    field(page, "lanes.0.filters.0.limit").wait_for()
    set_up(page, steps="30", lanes__0__filters__0__limit="0.5")
    page.click("#start")
    page.wait_for_function("new URLSearchParams(location.search).get('runs')")
    run = run_id(page)
    server.wait(run)
    lane = server.run(run)["request"]["lanes"][0]
    assert (lane["optimizer"]["kind"], lane["filters"]) == ("sam", [{"kind": "clip", "limit": 0.5, "by": "norm"}])
    page.locator("[data-panel=curves]").get_by_text("Evals", exact=True).click()
    last = "Math.max(...document.querySelector('[data-graph=\"curves\"]').data.filter((t) => t.name === 'SAM').flatMap((t) => [...t.x]).filter(Number.isFinite))"  # noqa: E501
    page.wait_for_function(f"{last} === 60", timeout=20_000)  # two gradients a step


def test_a_schedule_is_drawn_as_its_fields_change(page: Any) -> None:
    open_lab(page)
    page.locator(".lane summary").first.click()
    union(page, "lanes.0.schedule").click()
    page.get_by_role("option", name="Steps", exact=True).click()
    places = field(page, "lanes.0.schedule.at")
    places.wait_for(state="attached")
    shown = "document.querySelector('.preview-frame').getAttribute('aria-label')"
    page.wait_for_function(f"{shown}.endsWith('0.01 at the end')")
    outline = page.evaluate("document.querySelector('.preview-area').style.clipPath")
    set_up(page, lanes__0__schedule__at="20, 290")
    page.wait_for_function("(before) => document.querySelector('.preview-area').style.clipPath !== before", arg=outline)
    set_up(page, lanes__0__schedule__factors="3, 0.5")
    page.wait_for_function(f"{shown}.includes('3 at most, 0.5 at the end')")


def runs_of(page: Any) -> list[str]:
    return list(page.evaluate("new URLSearchParams(location.search).get('runs').split(',')"))


def wait_runs(page: Any, count: int) -> list[str]:
    page.wait_for_function(f"new URLSearchParams(location.search).get('runs').split(',').length === {count}")
    return runs_of(page)


def test_a_lane_goes_back_to_a_checkpoint_and_on_differently_and_the_race_is_replayed(page: Any, server: Any) -> None:
    lanes = [{"name": name, "optimizer": {"kind": "sgd", "lr": 0.0005}} for name in ("left", "right")]
    race = server.start(name="race", steps=40, lanes=lanes, changes=[{"step": 10, "lane": "left", "value": 0.0007}])
    server.wait(race)
    open_lab(page, f"?runs={race}")
    wait_status(page, "Finished")
    page.click("[data-tool=wheel]")
    page.wait_for_function("document.querySelector('[data-wheel-fields] input[name=lr]')?.value === '0.0007'")
    page.select_option("[data-wheel-step]", "20")
    page.fill("[data-wheel-fields] input[name=lr]", "0.0002")
    page.click("[data-wheel-rewind]")
    other = wait_runs(page, 2)[1]
    assert server.wait(other)["status"] == "succeeded"
    request = server.run(other)["request"]
    assert [lane["name"] for lane in request["lanes"]] == ["left"]
    assert request["resume"]
    assert (request["origin"]["run"], request["origin"]["step"]) == (race, 20)
    assert [(one["step"], one["field"], one["value"]) for one in request["changes"]] == [(20, "lr", 0.0002)]
    page.wait_for_function(f"({MARKS})().some((text) => text.includes('lr set to 0.0002'))", timeout=20_000)
    page.click("[data-wheel-replay]")
    again = wait_runs(page, 3)[2]
    server.wait(again)
    page.get_by_text("Replayed: all 80 losses are the same numbers.").wait_for()


def test_the_wheel_steers_a_lane_that_runs(page: Any, server: Any) -> None:
    race = server.start(name="race", steps=100_000, pace=20)
    open_lab(page, f"?runs={race}")
    wait_status(page, "Running")
    page.click("[data-tool=wheel]")
    page.fill("[data-wheel-fields] input[name=momentum]", "0.25")
    page.get_by_text("SGD: momentum set to 0.25, from the next step on.").wait_for()
    page.wait_for_function(f"({MARKS})().some((text) => text.includes('momentum set to 0.25'))", timeout=20_000)
