"""The Compare page in a real browser: runs of unlike length, ranks against plain Python, a shared plane."""

import base64
from typing import Any

import numpy as np
import pytest

pytestmark = pytest.mark.browser
NET = {"data": {"kind": "digits", "examples": 200}, "model": {"kind": "mlp", "hidden": [8]}}
ROWS = """() => [...document.querySelectorAll('.gs-panel-standings tbody tr')]
  .map((row) => [...row.children].map((cell) => cell.textContent))"""
SAID = "(document.querySelector('.gs-panel-standings [data-line]')?.textContent ?? '')"
CURVES = "[...(document.querySelector('[data-graph=curves]')?.data ?? [])]"
PATHS = """() => (document.querySelector('[data-graph="landscape-contour"]').data || [])
  .filter((trace) => trace.mode === 'lines' && trace.x.length > 5)"""


@pytest.fixture(autouse=True)
def _no_runs(server: Any) -> None:
    server.clear()


def lane(name: str, kind: str, **settings: float) -> dict[str, Any]:
    return {"name": name, "optimizer": {"kind": kind, **settings}}


def column(event: dict[str, Any], name: str) -> Any:
    return np.frombuffer(base64.b64decode(event[name]["base64"]), event[name]["dtype"])


def plain_rank(server: Any, runs: list[str], unit: str) -> list[str]:
    """Rank the lanes' training loss within the budget that all can pay, straight from the events."""
    rows: dict[str, list[tuple[int, float]]] = {}
    losses: dict[str, dict[int, float]] = {}
    for run in runs:
        for item in server.api.get(f"/runs/{run}/events?limit=1000").json()["items"]:
            event = item["event"]
            if event["kind"] == "train_chunk":
                spent = column(event, unit)
                rows.setdefault(event["lane"], []).extend(zip(column(event, "step"), spent, strict=True))
            elif event["kind"] == "eval" and event["split"] == "train":
                losses.setdefault(event["lane"], {})[event["step"]] = event["loss"]
    budget = min(told[-1][1] for told in rows.values())
    value = {}
    for name, told in rows.items():
        reached = max((step for step, spent in told if spent <= budget), default=0)
        value[name] = losses[name][max(step for step in losses[name] if step <= reached)]
    return sorted(value, key=lambda name: value[name])


def test_runs_of_unlike_length_are_ranked_as_plain_arithmetic_ranks_them(page: Any, server: Any) -> None:
    first = server.start(
        problem=NET, steps=40, batch_size=50, lanes=[lane("SGD", "sgd", lr=0.1), lane("SAM", "sam", lr=0.12)]
    )
    second = server.start(problem=NET, steps=25, batch_size=50, lanes=[lane("Adam", "adam", lr=0.001)])
    for run in (first, second):
        server.wait(run)
    page.goto("/runs")
    for box in range(2):
        page.locator(".ag-row").nth(box).get_by_role("checkbox").check()
    page.click("#runs-compare")
    page.wait_for_function(f"({ROWS})().length === 3 && {SAID}.includes('25 steps')")
    assert {first, second} == set(page.evaluate("new URLSearchParams(location.search).get('runs').split(',')"))
    by_steps = [row[0].split(" · ")[0] for row in page.evaluate(ROWS)]
    assert by_steps == plain_rank(server, [first, second], "step") == ["SAM", "SGD", "Adam"]
    page.locator(".gs-panel-standings").get_by_text("Evals", exact=True).first.click()
    page.wait_for_function(f"{SAID}.includes('25 gradient evaluations')")
    by_evaluations = [row[0].split(" · ")[0] for row in page.evaluate(ROWS)]
    assert by_evaluations == plain_rank(server, [first, second], "evaluations") == ["SGD", "SAM", "Adam"]
    assert "the order changes: SAM falls from 1 to 2 (2 gradients a step)." in page.evaluate(SAID)
    page.reload()
    page.wait_for_function(f"{SAID}.includes('25 gradient evaluations')")


def test_a_run_that_never_stepped_is_told_and_keeps_no_plane_from_the_others(page: Any, server: Any) -> None:
    done = server.start(name="done", steps=20)
    server.wait(done)
    slow = server.start(name="slow", steps=5000, pace=20)
    waiting = server.start(name="never", steps=20)  # behind it: there is one worker
    server.api.post(f"/runs/{waiting}/control", json={"action": "cancel"})
    server.wait(waiting)
    page.goto(f"/compare?runs={done},{slow},{waiting}")
    page.wait_for_function("document.querySelector('#members')?.textContent.includes('nevercancelled')")
    words = "(document.querySelector('.gs-panel-landscape [data-words]')?.textContent ?? '')"
    page.wait_for_function(f"{words}.startsWith('No plane holds these runs yet.')")  # nobody waits for one
    page.wait_for_function(f"({ROWS})().length === 2")
    server.api.post(f"/runs/{slow}/control", json={"action": "cancel"})
    server.wait(slow)
    page.click("#compare-plane")
    page.wait_for_function(f"({PATHS})().length >= 2", timeout=60_000)
    assert page.locator("#notice .notice").count() == 0


def test_a_failed_run_speaks_for_itself_alone_and_a_diverged_lane_is_not_the_plane(page: Any, server: Any) -> None:
    failed = server.start(name="failed", lanes=[lane("Muon", "muon")])
    wild = server.start(name="wild", lanes=[lane("Wild", "sgd", lr=0.1)])
    runs = [failed, wild, *(server.start(name=name, steps=steps) for name, steps in (("one", 20), ("two", 12)))]
    assert [server.wait(run)["status"] for run in runs] == ["failed", *["succeeded"] * 3]
    page.goto(f"/compare?runs={','.join(runs)}")
    page.wait_for_function(f"({ROWS})().length === 3 && ({ROWS})()[2].includes('diverged at step 3')")
    page.locator("#notice").get_by_text("failed failed").wait_for()
    page.get_by_text("No plane holds these runs yet.").wait_for()
    page.wait_for_function("!document.querySelector('#compare-plane').disabled")
    page.click("#compare-plane")
    page.wait_for_function(f"({PATHS})().length >= 2", timeout=60_000)
    names = page.evaluate(f"[...new Set(({PATHS})().map((trace) => trace.name))].sort()")
    assert names == ["SGD · one", "SGD · two"]


def test_a_plane_is_laid_through_all_runs_and_a_missing_one_is_told(page: Any, server: Any) -> None:
    runs = [server.start(name=name, steps=20) for name in ("one", "two")]
    for run in runs:
        server.wait(run)
    page.goto(f"/compare?runs={','.join(runs)},000000000000000")
    page.get_by_text("The run 000000000000000 is not here.").wait_for()
    page.get_by_text("No plane holds these runs yet.").wait_for()
    page.wait_for_function("!document.querySelector('#compare-plane').disabled")
    page.click("#compare-plane")
    page.wait_for_function(f"new Set(({PATHS})().map((trace) => trace.name)).size === 2", timeout=30_000)
    page.locator("#members li", has_text="one").first.get_by_role("button").click()
    page.wait_for_function(f"({ROWS})().length === 1")


def test_nothing_to_compare_says_what_to_do(page: Any, server: Any) -> None:
    run = server.start(name="late", steps=5)
    server.wait(run)
    page.goto("/compare")
    page.locator("#compare-empty").wait_for()
    assert "press Compare" in page.inner_text("#compare-empty")
    page.wait_for_function("document.querySelectorAll('#compare-add option').length === 2")
    page.select_option("#compare-add", index=1)
    page.wait_for_function(f"({ROWS})().length === 1")
    assert run in page.url


def test_repeats_are_drawn_as_their_median_on_their_middle_half(page: Any, server: Any) -> None:
    lanes = [lane("SGD", "sgd", lr=0.1)]
    run = server.start(problem=NET, steps=20, batch_size=50, eval_every=10, repeats=3, lanes=lanes)
    server.wait(run)
    losses: dict[int, list[float]] = {}
    for item in server.api.get(f"/runs/{run}/events?limit=1000&kinds=eval").json()["items"]:
        event = item["event"]
        if event["split"] == "train":
            losses.setdefault(event["step"], []).append(event["loss"])
    page.goto(f"/compare?runs={run}")
    page.wait_for_function(f"({CURVES}).some((trace) => trace.fill === 'toself' && trace.y.length === 6)")
    traces = page.evaluate(
        f"({CURVES}).map(({{ fill, y, line }}) => ({{ fill: fill || '', y: [...y], width: line.width }}))"
    )
    low, middle, high = (np.quantile(list(losses.values()), share, axis=1) for share in (0.25, 0.5, 0.75))
    (area,) = [trace["y"] for trace in traces if trace["fill"] == "toself"]
    np.testing.assert_allclose(area, [*high, *low[::-1]], rtol=1e-12)
    (median,) = [trace["y"] for trace in traces if trace["fill"] == "" and trace["width"] == 2]
    np.testing.assert_allclose(median, middle, rtol=1e-12)
    assert len(traces) == 3, "the median of the test split is the third; no repeat is drawn by itself"


def test_what_is_compared_is_linked_and_saved_whole(page: Any, server: Any, tmp_path: Any) -> None:
    runs = [
        server.start(problem=NET, steps=steps, lanes=[lane(name, name)]) for name, steps in (("sgd", 20), ("adam", 12))
    ]
    for run in runs:
        server.wait(run)
    page.goto(f"/compare?runs={','.join(runs)}&curves.x=step")
    page.wait_for_function(f"() => {CURVES}.filter(({{ x }}) => x && x.length > 5).length >= 2")
    page.wait_for_function(f"({ROWS})().length === 2")
    page.reload()  # the address alone brings the same back
    page.wait_for_function(f"({ROWS})().length === 2")
    page.wait_for_function(f"() => {CURVES}.filter(({{ x }}) => x && x.length > 5).length >= 2")
    kept = {}
    for panel, name in (("curves", "CSV"), ("curves", "HTML page"), ("standings", "CSV")):
        if not page.is_visible(f"[data-panel={panel}] [data-strip=save]"):
            page.click(f"[data-panel={panel}] [data-tool=save]")
        with page.expect_download() as download:
            page.click(f"[data-panel={panel}] [data-strip=save] >> text='{name}'")
        kept[panel, name] = tmp_path / download.value.suggested_filename
        download.value.save_as(kept[panel, name])
    steps: dict[str, float] = {}
    for row in kept["curves", "CSV"].read_text("utf-8").splitlines()[1:]:
        name, step = row.split(",")[0].split(" ")[0], float(row.split(",")[1])
        steps[name] = max(steps.get(name, 0), step)
    assert {name: steps[name] for name in ("sgd", "adam")} == {"sgd": 20, "adam": 12}
    ranked = kept["standings", "CSV"].read_text("utf-8")
    assert "sgd" in ranked
    assert "adam" in ranked
    whole = kept["curves", "HTML page"].read_text("utf-8")
    assert all(run in whole for run in runs)
