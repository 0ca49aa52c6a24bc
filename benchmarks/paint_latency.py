"""Time from an event's emission to its pixels, in headless Chromium with the page's own panels.

A made-up race of four lanes is emitted at 20 and at 500 events a second. An event counts as painted when a picture
that holds it has been drawn (``plotly_afterplot``) and two animation frames have passed. Records percentiles in
milliseconds, and at 500 events a second the backlog: how much later the last second's events are painted than the
first one's, and what the browser has yet to paint when the source falls silent.

Goals: p95 of at most 150 ms at 20 events a second; no backlog at 500.

Run: ``python -m benchmarks.paint_latency [seconds]``.
"""

import asyncio
import json
import os
import shutil
import socket
import sys
import time
from bisect import bisect_left
from typing import Any

import uvicorn
from playwright.async_api import Page, async_playwright

from backend.schemas.events import AnyEvent
from benchmarks.record import Figure, write
from benchmarks.synthetic_stream import Source, create_app, race

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
FEEDS = {"curves": {"train_chunk", "eval"}, "landscape-contour": {"path_points", "surface_tile"}}
RECORD = """
window.painted = [];
const note = ({ detail }) => window.painted.push([detail.graph, detail.row, Date.now()]);
document.addEventListener("gradscape:painted", note);
"""


def browser_path() -> str:
    """Find the browser: the one that ``CHROMIUM`` names, or one on the path.

    Raises:
        FileNotFoundError: where there is none.
    """
    path = os.environ.get("CHROMIUM") or next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if path is None:
        raise FileNotFoundError("no chromium found; install it, or name it in the variable CHROMIUM")
    return path


async def emit(source: Source, run: str, rate: float, seconds: float) -> list[float]:
    """Emit a race at this rate; return the time of each row in milliseconds."""
    times: list[float] = []
    start = time.perf_counter()
    every: list[AnyEvent] = list(race(int(rate * seconds)))[: int(rate * seconds)]
    for number, event in enumerate(every):
        wait = start + number / rate - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        source.emit(run, event)
        times.append(time.time() * 1000)
    return times


def latencies(source: Source, first_row: int, times: list[float], painted: list[list[Any]]) -> list[float]:
    """Milliseconds from each row's emission to the first later picture that holds it."""
    found = []
    for graph, kinds in FEEDS.items():
        draws = [(row, at) for name, row, at in painted if name == graph]
        rows = [row for row, _ in draws]
        for row, kind, _ in source.rows[first_row:]:
            if kind in kinds:
                at = bisect_left(rows, row)
                found.append((row, draws[at][1] - times[row - first_row - 1] if at < len(draws) else float("inf")))
    return [latency for _, latency in sorted(found)]


def percentile(values: list[float], share: float) -> float:
    """Return the value below which this share of the values lies."""
    return round(sorted(values)[min(int(share * len(values)), len(values) - 1)], 1)


async def measure(page: Page, url: str, source: Source, run: str, rate: float, seconds: float) -> dict[str, float]:
    """Play one race into a fresh page and time it."""
    source.add(run, f"{rate:g} a second")
    await page.goto(url)
    await page.evaluate(f"window.gradscape.setView({{runs: [{run!r}]}})")
    await page.wait_for_selector("[data-panel=curves][data-state=loading]")
    first_row = len(source.rows)
    times = await emit(source, run, rate, seconds)
    silent = time.time() * 1000
    last = len(source.rows)
    await page.wait_for_function(
        f"{json.dumps(list(FEEDS))}.every(g => window.painted.some(([n, r]) => n === g && r >= {last}))"
    )
    painted = await page.evaluate("window.painted")
    found = latencies(source, first_row, times, painted)
    part = max(1, len(found) // max(1, int(seconds)))
    caught_up = max(min(at for name, row, at in painted if name == graph and row >= last) for graph in FEEDS)
    return {
        "events_per_second": rate,
        "events": len(times),
        "draws": len(painted),
        "p50_ms": percentile(found, 0.5),
        "p95_ms": percentile(found, 0.95),
        "max_ms": round(max(found), 1),
        "last_second_later_by_ms": round(percentile(found[-part:], 0.5) - percentile(found[part : 2 * part], 0.5), 1),
        "silent_to_painted_ms": round(caught_up - silent, 1),
    }


async def main(seconds: float) -> None:
    """Serve, open the page, play both races, write."""
    source = Source()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(create_app(source, []), port=port, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.05)
    url = f"http://127.0.0.1:{port}/"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path(), args=ARGUMENTS)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        await page.add_init_script(RECORD)
        await measure(page, url, source, "warm", 20.0, 2.0)
        results = [await measure(page, url, source, f"at{rate}", float(rate), seconds) for rate in (20, 500)]
        await browser.close()
    server.should_exit = True
    await serving
    slow, fast = results
    figures = [
        Figure("event emitted until painted, four lanes, 20 events/s: p95", slow["p95_ms"], "ms", 150.0, _kept(slow)),
        Figure("500 events/s fall silent until all is painted", fast["silent_to_painted_ms"], "ms", 150.0, _kept(fast)),
    ]
    write("paint_latency", "From event to pixels", figures, seconds=seconds)


def _kept(result: dict[str, float]) -> dict[str, list[float]]:
    return {name: [value] for name, value in result.items()}


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0))
