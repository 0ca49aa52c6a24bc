"""One log of events and many readers: what a server can serve, what it would take for ten thousand.

Two prices are measured, in processor time: storing a batch, and giving a batch to one reader (in one process, without a
network). A small simulation of the log, of readers with different speeds, and of the window in memory says how many of
them must ask the store. From these follow cores, bytes and queries for any number of readers. ``readers`` measures the
same on a real server with a network; the factor between the two is printed where its result is there.
"""

import argparse
import asyncio
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from backend.jobs.feed import PAGE, Feed
from backend.jobs.recent import ROWS
from backend.jobs.sqlite_store import SqliteStore
from backend.schemas.events import AnyEvent, TrainChunk
from backend.schemas.ids import new_run_id
from backend.schemas.run import Run
from benchmarks.record import RESULTS

FRAMES: Final = 20.0  # batches a second that a race tells
STEPS: Final = 20  # of a batch
LANES: Final = 2


@dataclass(frozen=True)
class Prices:
    """Processor seconds of a batch: stored once, given to one reader; and its bytes on the wire."""

    store: float
    give: float
    size: float


@dataclass(frozen=True)
class Crowd:
    """How readers fare: shares that are up to date, within the window in memory, and behind it; the store's load."""

    live: float
    window: float
    store: float
    queries: float  # a second
    farthest: float  # rows that the slowest is behind


def batch(step: int) -> list[AnyEvent]:
    """Make what a race tells every 50 ms."""
    steps = np.arange(step, step + STEPS, dtype=np.int32)
    column = np.linspace(1.0, 0.5, STEPS)
    return [
        TrainChunk(lane=f"lane {i}", repeat=0, step=steps, loss=column, grad_norm=column, lr=column,
                   seconds=column, evaluations=column)
        for i in range(LANES)
    ]  # fmt: skip


async def _given(feed: Feed, run: str, readers: int, batches: int) -> float:
    """Give so many batches to so many readers, and return the processor time."""
    wanted = LANES * batches

    async def read() -> None:
        seen = 0
        async for rows in feed.follow((run,)):
            seen += len("".join(row.text for row in rows)) and len(rows)
            if seen >= wanted:
                return

    tasks = [asyncio.create_task(read()) for _ in range(readers)]
    await asyncio.sleep(0)
    began = time.process_time()
    for i in range(batches):
        feed.publish(run, 1 + LANES * i, batch(STEPS * i))
        await asyncio.sleep(0.002)
    await asyncio.gather(*tasks)
    return time.process_time() - began


def prices(readers: int = 40, batches: int = 150) -> Prices:
    """Measure: the same log for one reader and for many; the difference is what a reader costs.

    Args:
        readers: how many the many are.
        batches: how long the log is.

    Returns:
        Processor seconds of one batch, and its bytes.
    """
    spent = {}
    for count in (1, readers):
        with tempfile.TemporaryDirectory() as folder:
            store = SqliteStore(Path(folder) / "runs.sqlite")
            run = Run(id=new_run_id(), kind="train", name="a", status="queued", created="now", request={})
            store.create(run)
            spent[count] = asyncio.run(_given(Feed(store), run.id, count, batches))
            size = sum(len(row.text) for row in store.tail((run.id,), (), 0, PAGE)) / PAGE * LANES
            store.close()
    give = max(0.0, spent[readers] - spent[1]) / (readers - 1) / batches
    return Prices(store=spent[1] / batches - give, give=give, size=size)


def crowd(speeds: np.ndarray, rate: float, seconds: float, tick: float = 0.05) -> Crowd:
    """Play readers of different speeds on one log, tick by tick.

    Args:
        speeds: rows a second that each reader can take [R].
        rate: rows a second that are told.
        seconds: how long.
        tick: of the simulation.

    Returns:
        How they fare over the second half.
    """
    behind_R = np.zeros(len(speeds))
    shares, queries, ticks = np.zeros(3), 0.0, round(seconds / tick)
    for i in range(ticks):
        behind_R += rate * tick
        taken_R = np.minimum(behind_R, speeds * tick)
        far_R = behind_R > ROWS
        behind_R -= taken_R
        if i >= ticks // 2:
            live = behind_R <= rate * tick
            shares += [live.mean(), (~live & ~far_R).mean(), far_R.mean()]
            queries += float(np.ceil(taken_R[far_R] / PAGE).sum())
    half = ticks - ticks // 2
    live, window, behind = (shares / half).tolist()
    return Crowd(live, window, behind, queries=queries / half / tick, farthest=float(behind_R.max()))


def extrapolated(measured: Prices, readers: int, slow: float, seed: int = 0) -> dict[str, float]:
    """Say what so many readers of one race take.

    Args:
        measured: the prices.
        readers: how many.
        slow: share of readers whose line takes less than is told.
        seed: of their speeds.

    Returns:
        Cores, megabits a second, queries a second, and the share that must ask the store.
    """
    draw, rate = np.random.default_rng(seed), FRAMES * LANES
    fast_R = draw.random(readers) >= slow
    speeds_R = np.where(fast_R, rate * draw.uniform(2.0, 20.0, readers), rate * draw.uniform(0.1, 0.9, readers))
    fare = crowd(speeds_R, rate, seconds=600.0, tick=1.0)
    return {
        "readers": readers,
        "cores": FRAMES * (measured.store + measured.give * readers),
        "Mbit/s": FRAMES * measured.size * readers * 8 / 1e6,
        "queries/s": fare.queries,
        "from the store": fare.store,
    }


def main() -> None:
    """Measure, extrapolate, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--slow", type=float, default=0.05, help="share of readers whose line is too slow")
    given = parser.parse_args()
    found = prices()
    print(f"a batch ({LANES} events, {found.size:.0f} bytes): stored in {1e6 * found.store:.0f} µs, "
          f"given to a reader in {1e6 * found.give:.1f} µs")  # fmt: skip
    for readers in (1, 100, 1000, 10_000):
        row = extrapolated(found, readers, given.slow)
        print("   ".join(f"{name} {value:.3g}" for name, value in row.items()))
    path = RESULTS / "readers.json"
    if path.exists():
        _compare(json.loads(path.read_text("utf-8")), found)


def _compare(result: dict[str, Any], found: Prices) -> None:
    real = next(figure["value"] for figure in result["figures"] if figure["unit"] == "cores")
    model = FRAMES * (found.store + found.give * result["readers"])
    print(f"{result['readers']} readers over a network: {real:.3g} cores, {real / model:.2f} times the model")


if __name__ == "__main__":
    main()
