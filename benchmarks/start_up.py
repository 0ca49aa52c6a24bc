"""How long one waits: ``make run`` on a warm environment until the page answers; Start until the first figures come.

Nothing is painted here: ``paint_latency`` measures what the browser adds.
"""

import argparse
import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.record import median, write
from frontend.presets import FOUR_ON_DIGITS

ROOT: Final = Path(__file__).parents[1]
PATIENCE: Final = 120.0  # seconds until a side counts as broken
LOOK_EVERY: Final = 0.01  # seconds between two looks


def free_port() -> int:
    """Find a TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(data: str) -> Iterator[tuple[str, float]]:
    """Start ``make run``, and stop it in the end.

    Args:
        data: the data directory.

    Yields:
        The address, and when it was started.
    """
    port = free_port()
    began = time.perf_counter()
    process = subprocess.Popen(
        ["make", "--silent", "run", f"PORT={port}"],
        cwd=ROOT,
        env={**os.environ, "GRADSCAPE_DATA": data},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield f"http://127.0.0.1:{port}", began
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(PATIENCE)


def until(client: httpx.Client, path: str, began: float, *, ready: bool = False) -> float:
    """Ask until there is an answer (that says ``ready``), and return the seconds since the beginning.

    Raises:
        TimeoutError: where there is none for long.
    """
    while time.perf_counter() - began < PATIENCE:
        try:
            answer = client.get(path)
            if answer.status_code == 200 and (not ready or answer.json()["ready"]):
                return time.perf_counter() - began
        except httpx.TransportError:
            pass
        time.sleep(LOOK_EVERY)
    raise TimeoutError(f"{path} has not answered for {PATIENCE:g} s")


def first_of_each(client: httpx.Client, request: dict[str, Any], kinds: tuple[str, ...]) -> dict[str, float]:
    """Start a run, wait for the first event of each kind on its stream, and cancel it.

    Returns:
        Seconds from posting the request to the first event, by kind.
    """
    began = time.perf_counter()
    run = client.post("/api/runs", json=request).raise_for_status().json()["id"]
    found: dict[str, float] = {}
    with client.stream("GET", "/api/stream", params={"runs": run}, timeout=PATIENCE) as answer:
        for line in answer.iter_lines():
            kind = line.removeprefix("event: ")
            if line.startswith("event: ") and kind in kinds:
                found.setdefault(kind, time.perf_counter() - began)
            if len(found) == len(kinds):
                break
    client.post(f"/api/runs/{run}/control", json={"action": "cancel"}).raise_for_status()
    while client.get(f"/api/runs/{run}").json()["status"] in ("queued", "running"):
        time.sleep(LOOK_EVERY)
    return found


def main() -> None:
    """Start the app several times, start a race in each, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5, help="starts of the app (default %(default)s)")
    asked = parser.parse_args()

    subprocess.run(["make", "--silent", ".venv/.ready-to-run"], cwd=ROOT, check=True)
    page, ready, chunk, tile = [], [], [], []
    for _ in range(asked.repeats):
        with (
            tempfile.TemporaryDirectory() as data,
            served(data) as (address, began),
            httpx.Client(base_url=address, trust_env=False) as client,
        ):
            page.append(until(client, "/", began))
            ready.append(until(client, "/api/health", began, ready=True))
            first_of_each(
                client, dict(FOUR_ON_DIGITS.request), ("train_chunk",)
            )  # a person's first run is not warm yet
            found = first_of_each(client, dict(FOUR_ON_DIGITS.request), ("train_chunk", "surface_tile"))
            chunk.append(found["train_chunk"])
            tile.append(found["surface_tile"])
    figures = [
        median("`make run` on a warm environment until the page answers", page, 5.0),
        median("`make run` until a worker is warm", ready, 15.0),
        median("Start until the first rows of a race are at the browser's door", chunk, 1.0),
        median("Start until its first surface is", tile, 2.0),
    ]
    write("start_up", "Waiting", figures)


if __name__ == "__main__":
    main()
