"""How long one waits for an explanation: a press in *Explain* until the first map is on the screen, and a cancel.

SmoothGrad with 50 samples on 16 pictures of 32×32, of a small convolutional network, in headless Chromium with a warm
worker. A picture counts as painted two animation frames after it was drawn; a cancel as shown when the bar says so. The
first press comes while the page is still drawing what else it shows, and is told apart from the others. The same over
HTTP alone, from posting to the first map on the stream, and from the cancel to the end of the run.
"""

import argparse
import asyncio
import json
import tempfile
import time
from typing import Any, Final

import httpx
from playwright.async_api import Page, async_playwright

from benchmarks.browser import ARGUMENTS, browser_path
from benchmarks.first_paint import warm
from benchmarks.paint_latency import share
from benchmarks.record import Figure, write
from benchmarks.start_up import PATIENCE, served, until

GOAL, CANCEL_GOAL = 500.0, 100.0  # milliseconds
LONG: Final = 10_000  # samples of what is cancelled
CLASSES: Final = 10
SMOOTH: Final = {"kind": "saliency", "method": "smoothgrad", "samples": 50, "examples": list(range(16))}
RACE: Final[dict[str, Any]] = {
    "kind": "train",
    "name": "explained",
    "problem": {"data": {"kind": "digits32"}, "model": {"kind": "cnn", "channels": [8, 16]}},
    "steps": 20,
    "batch_size": 64,
    "lanes": [{"name": "Adam", "optimizer": {"kind": "adam", "lr": 0.003}}],
    "probes": [{"every": 20, "late": "wait", "analysis": SMOOTH}],
}
WATCH: Final = """
window.shown = []; window.pressed = 0; window.stopped = 0; window.ended = 0;
document.addEventListener("gradscape:painted", ({ target, detail }) => {
  if (detail.graph !== "saliency" || !target.tiles) return;
  const runs = new Set([...target.tiles.shown.values()].map(({ cell }) => cell.table.run));
  window.shown.push({ at: performance.now(), runs: [...runs] });
});
document.addEventListener("change", ({ target }) => {
  if (!target.matches("[data-target], [data-samples]")) return;
  window.before = window.shown.length ? window.shown[window.shown.length - 1].runs : [];
  window.shown = []; window.pressed = performance.now();
}, true);
document.addEventListener("click", ({ target }) => {
  if (!target.closest("#cancel")) return;
  window.stopped = performance.now(); window.ended = 0;
  const look = () => {
    if (document.querySelector("#status").textContent.startsWith("Cancelled")) window.ended = performance.now();
    else requestAnimationFrame(look);
  };
  look();
}, true);
"""
FIRST: Final = """() => {
  const found = window.shown.find(({ runs }) => runs.length && runs.every((run) => !window.before.includes(run)));
  return found ? found.at - window.pressed : null;
}"""
ENDED: Final = "() => window.ended && window.ended - window.stopped"
MANY: Final = """(n) => {
  const slider = document.querySelector("[data-panel=saliency] [data-samples]");
  slider.value = String(Math.log10(n));
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  slider.dispatchEvent(new Event("change", { bubbles: true }));
}"""
REST: Final = 700  # milliseconds between two presses
OPENED: Final = 2000  # milliseconds until a page has come to rest


async def presses(page: Page, count: int) -> list[float]:
    """Ask for one class after the other; return the milliseconds until each first picture."""
    target = page.locator("[data-panel=saliency] [data-target]")
    found = []
    for press in range(count):
        await target.select_option(str(press % CLASSES))
        found.append(float(await (await page.wait_for_function(FIRST)).json_value()))
        await page.wait_for_timeout(REST)
    return found


async def cancels(page: Page, count: int) -> list[float]:
    """Ask for very many samples and cancel at the first picture; return the milliseconds until the bar says so."""
    found = []
    for press in range(count):
        await page.evaluate(MANY, 1000 - press)
        await page.wait_for_function(FIRST)
        await page.locator("#cancel").click()
        found.append(float(await (await page.wait_for_function(ENDED)).json_value()))
        await page.wait_for_timeout(REST)
    return found


async def in_page(address: str, race: str, count: int) -> tuple[list[float], list[float], list[float]]:
    """Open the race in the Lab, and press: at once, at rest, and to cancel."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path(), args=list(ARGUMENTS))
        page = await browser.new_page(viewport={"width": 1280, "height": 800}, bypass_csp=True)
        await page.add_init_script(WATCH)
        await page.goto(f"{address}/?runs={race}")
        await page.wait_for_function("() => window.shown.some(({ runs }) => runs.length)")
        await page.locator("[data-panel=saliency] [data-tool=saliency]").click()
        at_once = await presses(page, 1)
        await page.wait_for_timeout(OPENED)
        found = await presses(page, count), await cancels(page, count)
        await browser.close()
        return at_once, *found


def over_http(client: httpx.Client, race: str, count: int) -> tuple[list[float], list[float]]:
    """Post an explanation and cancel it at its first map.

    Returns:
        Milliseconds from posting to the first map, and from the cancel to the end.
    """
    at = [{"run": race, "lane": "Adam", "step": RACE["steps"]}]
    firsts, ends = [], []
    for _ in range(count):
        began = time.perf_counter()
        analysis = {**SMOOTH, "samples": LONG}
        body = {"kind": "analyse", "at": at, "analysis": analysis}
        run = client.post("/api/runs", json=body).raise_for_status().json()["id"]
        stopped = 0.0
        with client.stream("GET", "/api/stream", params={"runs": run}, timeout=PATIENCE) as answer:
            for line in answer.iter_lines():
                if line == "event: saliency_map" and not stopped:
                    stopped = time.perf_counter()
                    firsts.append(1000 * (stopped - began))
                    client.post(f"/api/runs/{run}/control", json={"action": "cancel"}).raise_for_status()
                if line == "event: finished":
                    ends.append(1000 * (time.perf_counter() - stopped))
                    break
    return firsts, ends


def trained(client: httpx.Client) -> str:
    """Train the network; return its run."""
    run = str(client.post("/api/runs", json=RACE).raise_for_status().json()["id"])
    while (found := client.get(f"/api/runs/{run}").json()["status"]) in ("queued", "running"):
        time.sleep(0.05)
    assert found == "succeeded", found
    return run


def figures(what: str, samples: list[float], goal: float) -> list[Figure]:
    """Make the rows of a wait: its median, and its 95th percentile."""
    kept = {"milliseconds": samples}
    return [
        Figure(f"{what}: {name}", share(samples, part), "ms", goal, kept)
        for part, name in ((0.5, "median"), (0.95, "95th percentile"))
    ]


def main() -> None:
    """Start the app, train, press, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=20, help="presses of each kind (default %(default)s)")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as data,
        served(data) as (address, began),
        httpx.Client(base_url=address, trust_env=False, timeout=PATIENCE) as client,
    ):
        until(client, "/", began)
        warm(address)
        race = trained(client)
        first, end = over_http(client, race, asked.count)
        at_once, pressed, cancelled = asyncio.run(in_page(address, race, asked.count))
    rows = [
        *figures("Explain, in the page, until the first maps are painted", pressed, GOAL),
        Figure("Explain, pressed as soon as the page shows maps", at_once[0], "ms", None, {"milliseconds": at_once}),
        *figures("Cancel, in the page, until the bar says so", cancelled, CANCEL_GOAL),
        *figures("Explain, over HTTP, until the first map", first, GOAL),
        *figures("Cancel, over HTTP, until the end is told", end, CANCEL_GOAL),
    ]
    write("explain", "Explaining", rows, setting=json.dumps(SMOOTH))


if __name__ == "__main__":
    main()
