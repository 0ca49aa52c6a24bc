"""How long one waits in the page: a press of Start until the first point, and the first surface, are on the screen.

The Lab as it opens, in headless Chromium, with a warm worker. A picture counts as painted two animation frames after
Plotly has drawn it. The first Start of a page is counted with the others: it is the one that a newcomer makes.
"""

import argparse
import asyncio
import tempfile
import time
from typing import Any, Final

import httpx
from playwright.async_api import Page, async_playwright

from benchmarks.browser import ARGUMENTS, browser_path
from benchmarks.record import median, write
from benchmarks.start_up import served, until

WATCH: Final = """
window.painted = []; window.pressed = 0;
document.addEventListener("gradscape:painted", ({ target, detail }) => {
  const data = target.data || [];
  const filled = (trace) => trace.x && trace.x.length > 0;
  window.painted.push({ graph: detail.graph, at: performance.now(),
    curve: data.some((trace) => trace.type === "scatter" && filled(trace)),
    surface: data.some((trace) => trace.type === "contour" && filled(trace)) });
});
document.addEventListener("click", ({ target }) => {
  if (target.closest("#start")) { window.painted = []; window.pressed = performance.now(); }
}, true);
"""
FIRST: Final = """
() => {
  const of = (kind) => (window.painted.find((picture) => picture[kind]) || {}).at - window.pressed;
  const found = { curve: of("curve"), surface: of("surface") };
  return found.curve >= 0 && found.surface >= 0 ? found : null;
}
"""
TICK: Final = 500  # milliseconds


async def starts(page: Page, address: str, count: int) -> list[dict[str, float]]:
    """Open the Lab, and press Start so often, cancelling each race.

    Returns:
        Milliseconds from each press to the first point of a curve and to the first surface.
    """
    await page.goto(address)
    start = page.locator("#start")
    await start.wait_for()
    await page.wait_for_timeout(4 * TICK)
    found = []
    for _ in range(count):
        await start.click()
        answer = await page.wait_for_function(FIRST)
        found.append(await answer.json_value())
        await page.locator("#cancel").click()
        await page.wait_for_selector("#cancel:disabled")
        await page.wait_for_timeout(2 * TICK)
    return found


async def play(address: str, pages: int, count: int) -> list[dict[str, float]]:
    """Press Start on several fresh pages."""
    found: list[dict[str, float]] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path(), args=list(ARGUMENTS))
        for _ in range(pages):
            page = await browser.new_page(viewport={"width": 1280, "height": 800}, bypass_csp=True)
            await page.add_init_script(WATCH)
            found += await starts(page, address, count)
            await page.close()
        await browser.close()
    return found


def warm(address: str) -> None:
    """Wait for a warm worker, and let it train once."""
    with httpx.Client(base_url=address, trust_env=False) as client:
        until(client, "/api/health", time.perf_counter(), ready=True)
        request: dict[str, Any] = {"kind": "train", "steps": 5, "lanes": [{"name": "a", "optimizer": {"kind": "sgd"}}]}
        request["problem"] = {"data": {"kind": "digits"}, "model": {"kind": "mlp"}, "loss": {"kind": "cross_entropy"}}
        run = client.post("/api/runs", json=request).raise_for_status().json()["id"]
        while client.get(f"/api/runs/{run}").json()["status"] in ("queued", "running"):
            time.sleep(0.05)


def main() -> None:
    """Start the app, open pages, press Start, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=3, help="fresh pages (default %(default)s)")
    parser.add_argument("--count", type=int, default=4, help="presses of Start on each (default %(default)s)")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as data, served(data) as (address, began):
        until_answer = httpx.Client(base_url=address, trust_env=False)
        until(until_answer, "/", began)
        warm(address)
        found = asyncio.run(play(address, asked.pages, asked.count))
    figures = [
        median("Start, in the page, until the first point is painted", [one["curve"] / 1000 for one in found], 1.0),
        median("Start, in the page, until the first surface is", [one["surface"] / 1000 for one in found], 2.0),
    ]
    write("first_paint", "First picture", figures)


if __name__ == "__main__":
    main()
