"""How a hundred readers of one race fare, one of whom reads nothing, and what that costs the server.

A real server, a real race that tells a frame every 50 ms, a hundred open streams. An event's delay is from the moment
that the server stamped on it until a reader has it; the readers are all in this one process, whose own time is told
apart. The server's time is its process' own: the workers are others.
"""

import argparse
import asyncio
import datetime
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.record import Figure, write
from benchmarks.start_up import PATIENCE, ROOT, free_port, until

STAMP: Final = re.compile(rb'"at": ?"([^"]+)"')
RACE: Final = {"kind": "train", "steps": 1_000_000, "pace": 400.0, "lanes": [{"name": "SGD"}]}
SETTLE: Final = 3.0  # seconds after the last stream is open that do not count
MIB: Final = 1 << 20


class Process:
    """What the system says of a process."""

    def __init__(self, pid: int) -> None:
        self._folder = Path(f"/proc/{pid}")

    def seconds(self) -> float:
        """Processor time so far."""
        fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> float:
        """Memory in MiB."""
        return int((self._folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MIB


async def read(port: int, run: str, delays: list[float], since: list[float]) -> None:
    """Read a stream for ever, noting each event's delay in seconds once ``since`` says that it counts."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 24)
    writer.write(f"GET /api/stream?runs={run} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    async for line in reader:
        if line.startswith(b"data:") and since:
            now = time.time()
            for found in STAMP.finditer(line):
                stamp = found[1].decode().replace("Z", "+00:00")
                delays.append(now - datetime.datetime.fromisoformat(stamp).timestamp())


async def read_nothing(port: int, run: str) -> asyncio.StreamWriter:
    """Open a stream and leave it at that."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(f"GET /api/stream?runs={run} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    del reader
    return writer


async def measure(port: int, pid: int, run: str, readers: int, seconds: float) -> dict[str, Any]:
    """Open the streams, and look on.

    Returns:
        The delays of all readers together, frames a second, processor shares and memory.
    """
    server, delays, since = Process(pid), list[float](), list[float]()
    before = server.resident()
    deaf = await read_nothing(port, run)
    tasks = [asyncio.create_task(read(port, run, delays, since)) for _ in range(readers - 1)]
    await asyncio.sleep(SETTLE)
    since.append(time.perf_counter())
    spent, own, memory = server.seconds(), time.process_time(), [server.resident()]
    while time.perf_counter() - since[0] < seconds:
        await asyncio.sleep(0.5)
        memory.append(server.resident())
    took = time.perf_counter() - since[0]
    found = {
        "delays": delays,
        "frames": len(delays) / (readers - 1) / took,
        "server": (server.seconds() - spent) / took,
        "readers": (time.process_time() - own) / took,
        "before": before,
        "memory": memory,
    }
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    deaf.transport.abort()
    return found


def played(readers: int, seconds: float) -> dict[str, Any]:
    """Serve, start the race, measure, stop.

    Returns:
        What was measured.
    """
    port = free_port()
    with tempfile.TemporaryDirectory() as data:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--port", str(port), "--data", data],
            cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client:
                until(client, "/api/health", time.perf_counter(), ready=True)
                run = client.post("/api/runs", json=RACE).raise_for_status().json()["id"]
                found = asyncio.run(measure(port, process.pid, run, readers, seconds))
                client.post(f"/api/runs/{run}/control", json={"action": "cancel"})
                return found
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(PATIENCE)


def main() -> None:
    """Measure, and write the result."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--readers", type=int, default=100)
    arguments.add_argument("--seconds", type=float, default=30.0)
    arguments.add_argument("--dry", action="store_true", help="print the figures, write nothing")
    given = arguments.parse_args()
    found = played(given.readers, given.seconds)
    late = statistics.quantiles(found["delays"], n=20)[18]
    growth = max(found["memory"]) - found["before"]
    count = given.readers
    figures = [
        Figure(f"delay of an event, 95th percentile over {count - 1} readers beside one who reads nothing",
               1000 * late, "ms", 250.0, {"median, ms": [1000 * statistics.median(found["delays"])]}),
        Figure(f"processor time of the server with {count} readers, in cores", found["server"], "cores", 0.25,
               {"the readers' own": [found["readers"]], "frames a second": [found["frames"]]}),
        Figure(f"memory that {count} readers add to the server", growth, "MiB", 64.0, {"MiB": found["memory"]}),
    ]  # fmt: skip
    if given.dry:
        for figure in figures:
            print(figure.what, figure.value, figure.unit, {k: v[:3] for k, v in figure.samples.items()})
        return
    write("readers", "A hundred readers of one race", figures, readers=count, seconds=given.seconds)


if __name__ == "__main__":
    main()
