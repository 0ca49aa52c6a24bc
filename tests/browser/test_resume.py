"""A race that was cut off, in a real browser: the notice says so, and its button goes on with it."""

import os
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
DIED = {
    "code": "worker_died",
    "message": "the worker process was killed by signal 9 in the midst of the run",
    "hint": "Resume it, or run it again. If it happens every time, the memory may be too small for it.",
}


def cut_off(server: Any) -> str:
    """Store a race that ended because its worker died: one that was cancelled, told otherwise."""
    run = server.start(name="cut off", steps=400, pace=2000)
    server.api.post(f"/runs/{run}/control", json={"action": "cancel"})
    server.wait(run)
    story = server.api.get(f"/runs/{run}/export?format=json").json()
    story["run"] |= {"status": "failed", "error": DIED}
    last = story["events"].pop()
    story["events"].append({**last, "event": {"kind": "failed", "error": DIED}})
    story["events"].append({**last, "seq": last["seq"] + 1, "event": {**last["event"], "status": "failed"}})
    story["run"]["last_seq"] = last["seq"] + 1
    answer = server.api.post("/runs/import", json=story)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def test_a_race_that_was_cut_off_goes_on_from_its_notice(page: Any, server: Any) -> None:
    run = cut_off(server)
    page.goto(f"/?runs={run}")
    button = page.get_by_role("button", name="Resume from the last checkpoint")
    button.wait_for()
    if "SHOTS" in os.environ:
        page.screenshot(path=str(Path(os.environ["SHOTS"]) / "resume.png"))
    button.click()
    page.wait_for_function("(new URLSearchParams(location.search).get('runs') || '').split(',').length === 2")
    button.wait_for(state="detached")
    newest = server.api.get("/runs?limit=1").json()["items"][0]
    assert newest["parent"] == run
    assert server.wait(newest["id"])["status"] == "succeeded"
