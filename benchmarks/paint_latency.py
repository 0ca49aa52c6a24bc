"""Time from an event's emission to its pixels, in headless Chromium with the page's own panels.

A made-up race of four lanes is emitted at 20 and at 500 events a second. An event counts as painted when a picture
that holds it has been drawn (``plotly_afterplot``) and two animation frames have passed; each event is counted for
every graph that draws its kind. There is no backlog where the last events are on the screen as soon as any others.
"""

import argparse
import asyncio
import socket
import statistics
import time
from bisect import bisect_left
from itertools import islice
from typing import Any, Final

import uvicorn
from playwright.async_api import Page, async_playwright

from backend.schemas.events import AnyEvent, Finished
from benchmarks.browser import ARGUMENTS, browser_path
from benchmarks.record import Figure, write
from benchmarks.synthetic_stream import Source, create_app, race

RATES: Final = (20, 500)  # events a second
FEEDS: Final = {"curves": {"train_chunk", "eval"}, "landscape-contour": {"path_points", "surface_tile"}}
RECORD: Final = """
window.painted = [];
document.addEventListener("gradscape:painted", ({ detail }) =>
  window.painted.push([detail.graph, detail.row, Date.now()]));
"""
PAINTED: Final = """
([graphs, last]) => graphs.every((graph) => window.painted.some(([name, row]) => name === graph && row >= last))
"""


async def emit(source: Source, run: str, rate: float, seconds: float) -> list[float]:
    """Emit a race at this rate; return the time of each row in milliseconds."""
    times: list[float] = []
    start = time.perf_counter()
    count = int(rate * seconds)
    every: list[AnyEvent] = [*islice(race(count), count), Finished(status="succeeded", seconds=seconds)]
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


async def measure(page: Page, url: str, source: Source, run: str, rate: float, seconds: float) -> dict[str, Any]:
    """Play one race into a fresh page.

    Returns:
        Each event's latency, and how long after the last event the last picture came, in milliseconds.
    """
    source.add(run, f"{rate:g} a second")
    await page.goto(url)
    await page.evaluate(f"window.gradscape.setView({{runs: [{run!r}]}})")
    await page.wait_for_selector("[data-panel=curves][data-state=loading]")
    first_row = len(source.rows)
    times = await emit(source, run, rate, seconds)
    last = len(source.rows)
    await page.wait_for_function(PAINTED, arg=[list(FEEDS), last])
    painted = await page.evaluate("window.painted")
    ends = [min(at for name, row, at in painted if name == graph and row >= last) for graph in FEEDS]
    return {"latencies": latencies(source, first_row, times, painted), "after_the_last": max(ends) - times[-1]}


async def play(seconds: float, repeats: int) -> dict[int, list[dict[str, Any]]]:
    """Serve, open the page, play the races at both rates by turns."""
    source = Source()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(create_app(source, []), port=port, log_level="error"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.05)
    url = f"http://127.0.0.1:{port}/"
    found: dict[int, list[dict[str, Any]]] = {rate: [] for rate in RATES}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=browser_path(), args=list(ARGUMENTS))
        page = await browser.new_page(viewport={"width": 1280, "height": 800}, bypass_csp=True)
        await page.add_init_script(RECORD)
        await measure(page, url, source, "warm", 20.0, 2.0)
        for turn in range(repeats):
            for rate in RATES:
                found[rate].append(await measure(page, url, source, f"at{rate}-{turn}", float(rate), seconds))
        await browser.close()
    server.should_exit = True
    await serving
    return found


def share(values: list[float], part: float) -> float:
    """Return the value below which this part of the values lies."""
    return sorted(values)[min(int(part * len(values)), len(values) - 1)]


def figures(found: dict[int, list[dict[str, Any]]]) -> list[Figure]:
    """Make the table's rows."""
    rows = []
    for rate, part, name, goal in ((20, 0.5, "median", 100.0), (20, 0.95, "95th percentile", 150.0)):
        each = [share(race["latencies"], part) for race in found[rate]]
        what = f"An event until it is painted, {rate} a second: {name}"
        rows.append(Figure(what, statistics.median(each), "ms", goal, {"races": each}))
    ends = [race["after_the_last"] for race in found[500]]
    what = "500 events a second: the last event until all is painted"
    return [*rows, Figure(what, statistics.median(ends), "ms", 500.0, {"races": ends})]


def main() -> None:
    """Play the races, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each race (default %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="races at each rate (default %(default)s)")
    asked = parser.parse_args()
    found = asyncio.run(play(asked.seconds, asked.repeats))
    write("paint_latency", "Painting", figures(found), seconds=asked.seconds)


if __name__ == "__main__":
    main()
