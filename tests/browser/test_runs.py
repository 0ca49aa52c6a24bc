"""The Runs page in a real browser: what is stored, live; open, rename, delete."""

from typing import Any

import pytest

pytestmark = pytest.mark.browser
ROWS = "[...document.querySelectorAll('.ag-row [col-id=name]')].map((cell) => cell.textContent)"


@pytest.fixture(autouse=True)
def _no_runs(server: Any) -> None:
    server.clear()


def open_runs(page: Any, count: int) -> None:
    page.goto("/runs")
    page.wait_for_function(f"{ROWS}.length === {count} && document.querySelector('#runs-count')")


def choose(page: Any, name: str) -> None:
    page.get_by_role("row").filter(has_text=name).get_by_role("checkbox").check()


def test_no_runs_say_what_to_do(page: Any) -> None:
    page.goto("/runs")
    page.locator("#runs-empty").wait_for()
    assert "Start one in the Lab" in page.inner_text("#runs-empty")


def test_runs_are_listed_and_kept_fresh(page: Any, server: Any) -> None:
    first = server.start(name="first", steps=10)
    server.wait(first)
    open_runs(page, 1)
    second = server.start(name="second", steps=10)
    page.wait_for_function(f"{ROWS}.length === 2")
    server.wait(second)
    page.wait_for_function("document.querySelectorAll('.run-succeeded').length === 2")
    assert page.evaluate(ROWS) == ["second", "first"]


def test_a_run_is_renamed_in_place(page: Any, server: Any) -> None:
    run = server.start(name="before", steps=5)
    server.wait(run)
    open_runs(page, 1)
    page.get_by_role("gridcell", name="before", exact=True).dblclick()
    page.locator(".ag-cell-inline-editing input").fill("after")
    page.keyboard.press("Enter")
    page.wait_for_function(f"{ROWS}[0] === 'after'")
    for _ in range(50):
        if server.run(run)["name"] == "after":
            break
        page.wait_for_timeout(100)
    assert server.run(run)["name"] == "after"
    page.reload()
    page.wait_for_function(f"{ROWS}[0] === 'after'")


def test_several_runs_open_in_one_view(page: Any, server: Any) -> None:
    runs = [server.start(name=name, steps=5) for name in ("one", "two", "three")]
    for run in runs:
        server.wait(run)
    open_runs(page, 3)
    assert page.is_disabled("#runs-open")
    choose(page, "one")
    choose(page, "three")
    page.click("#runs-open")
    page.wait_for_selector("#start")
    page.wait_for_function("document.querySelector('#status').textContent === 'Finished · run 2 of 2'")
    assert set(page.evaluate("new URLSearchParams(location.search).get('runs').split(',')")) == {runs[0], runs[2]}


def test_a_run_opens_by_its_link(page: Any, server: Any) -> None:
    run = server.start(name="mine", steps=5)
    server.wait(run)
    open_runs(page, 1)
    page.get_by_label("Open mine in the Lab").click()
    page.wait_for_function("document.querySelector('#status')?.textContent === 'Finished'")
    page.get_by_role("link", name="Runs").click()
    page.wait_for_function(f"{ROWS}.length === 1")
    page.get_by_role("link", name="Lab", exact=True).click()
    page.wait_for_function("document.querySelector('#status')?.textContent === 'Finished'")
    assert run in page.url


def test_a_run_is_deleted_only_when_that_is_meant(page: Any, server: Any) -> None:
    runs = {name: server.start(name=name, steps=5) for name in ("keep", "drop")}
    for run in runs.values():
        server.wait(run)
    open_runs(page, 2)
    choose(page, "drop")
    page.click("#runs-delete")
    assert "“drop”" in page.get_by_role("dialog").inner_text()
    page.click("#delete-no")
    page.get_by_role("dialog").wait_for(state="hidden")
    assert server.run(runs["drop"])["name"] == "drop"
    page.click("#runs-delete")
    page.click("#delete-yes")
    page.wait_for_function(f"{ROWS}.length === 1")
    assert server.api.get(f"/runs/{runs['drop']}").status_code == 404
    assert server.run(runs["keep"])["name"] == "keep"


def test_a_run_that_has_not_ended_stays(page: Any, server: Any) -> None:
    run = server.start(name="busy", steps=100_000, pace=5)
    open_runs(page, 1)
    choose(page, "busy")
    page.click("#runs-delete")
    assert "not ended and will stay" in page.get_by_role("dialog").inner_text()
    page.click("#delete-yes")
    page.get_by_role("dialog").wait_for(state="hidden")
    assert server.run(run)["status"] in {"queued", "running"}


def test_runs_are_filtered(page: Any, server: Any) -> None:
    for name in ("apple", "pear"):
        server.wait(server.start(name=name, steps=5))
    open_runs(page, 2)
    page.get_by_label("Filter runs").fill("app")
    page.wait_for_function(f"{ROWS}.length === 1 && {ROWS}[0] === 'apple'")


def test_a_race_that_was_cancelled_goes_on(page: Any, server: Any) -> None:
    done = server.start(name="done", steps=5)
    server.wait(done)
    run = server.start(name="cut", steps=300, pace=1000)
    server.api.post(f"/runs/{run}/control", json={"action": "cancel"})
    assert server.wait(run)["status"] == "cancelled"
    open_runs(page, 2)
    choose(page, "done")
    assert page.is_disabled("#runs-resume")
    choose(page, "cut")
    page.click("#runs-resume")
    page.wait_for_function(f"{ROWS}.length === 3")
    newest = server.api.get("/runs?limit=1").json()["items"][0]
    assert (newest["parent"], newest["name"]) == (run, "cut")
    assert server.wait(newest["id"])["status"] == "succeeded"
