"""Kill workers and servers at random moments, and look whether anything was lost, doubled, stuck or damaged.

``python -m tests.faults.kills --kills 200 --seed 0`` serves the application from an empty directory, keeps races and
analyses under way, sends SIGKILL to a worker or to the server itself at random moments, and starts the server again.
A reader follows the stream of all runs the whole time, over every restart, resuming after the last row it has seen.
After every death of the server the database's integrity is checked before anything else opens it. In the end:

- every run has ended, with exactly one ``finished``, its last event, and its status says the same;
- every run's events are numbered 1, 2, 3 … without a gap;
- what the reader saw is what is stored: each event once, in order, none that is not stored;
- every race that was cut off with ``recovery: resume`` after it had kept a checkpoint is followed by a run that goes on
  from it, and the rows of all races, cut off or not, are those of one that never was, bit for bit;
- a race that succeeded and those that it goes on from have told every row of the undisturbed one between them.
"""

import argparse
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from backend.schemas.events import Envelope, Finished, LaneEnded, TrainChunk

PATIENCE = 240.0  # seconds for anything that must happen
Rows = dict[tuple[str, int], tuple[bytes, ...]]  # of each lane and step: loss, gradient's norm and rate, bit for bit
ENDED = ("succeeded", "failed", "cancelled")
STEPS = 240
RACE: dict[str, Any] = {
    "kind": "train", "steps": STEPS, "batch_size": 32, "pace": 120.0, "seed": 7,
    "problem": {"data": {"kind": "digits", "examples": 200}, "model": {"kind": "mlp", "hidden": [8]}},
    "lanes": [{"name": "Adam", "optimizer": {"kind": "adam"}}, {"name": "SGD", "optimizer": {"kind": "sgd"}}],
}  # fmt: skip
LOOK: dict[str, Any] = {"kind": "analyse", "problem": RACE["problem"], "analysis": {"kind": "surface", "resolution": 9}}


@dataclass
class Found:
    """What a campaign has done and found; ``wrong`` is empty where all is well."""

    kills: dict[str, int] = field(default_factory=lambda: {"worker": 0, "server": 0})
    runs: int = 0
    resumed: int = 0
    events: int = 0
    seen: int = 0
    compared: int = 0  # rows that were compared with those of a race that nobody disturbed
    wrong: list[str] = field(default_factory=list)


class Server:
    """The application in a process of its own, over one data directory."""

    def __init__(self, data: Path) -> None:
        self.data, self.url = data, ""
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Serve, and wait until it answers."""
        log = self.data.parent / "server.log"
        begins = log.stat().st_size if log.exists() else 0
        command = [sys.executable, "-m", "app", "serve", "--port", "0", "--workers", "2", "--data", str(self.data)]
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=subprocess.STDOUT, cwd=Path(__file__).parents[2]
            )
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.process.poll() is None:
            with log.open("rb") as told:
                told.seek(begins)
                found = re.search(rb"http://[\d.]+:\d+", told.read())
            if found:
                self.url = found.group().decode()
                return
            time.sleep(0.05)
        raise RuntimeError(f"the server did not come up; see {log}")

    def kill(self) -> None:
        """Let it die on the spot."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()
        self.url = ""

    def stop(self) -> None:
        """Let it end as it does after Ctrl-C."""
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)

    def workers(self) -> list[int]:
        """Return the processes of its workers."""
        assert self.process is not None
        pid = self.process.pid
        tasks = Path(f"/proc/{pid}/task").glob("*/children")
        return [int(child) for task in tasks for child in task.read_text().split()]

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask the API, None where the server is away."""
        try:
            answer = httpx.request(method, f"{self.url}/api{path}", json=body, timeout=30, trust_env=False)
        except (httpx.HTTPError, httpx.InvalidURL):
            return None
        if answer.status_code == 503:
            return None
        assert answer.is_success, answer.text
        return answer.json()

    def runs(self) -> list[dict[str, Any]]:
        """Return all runs, the newest first."""
        found: list[dict[str, Any]] = []
        cursor = ""
        while True:
            page = self.ask("GET", f"/runs?limit=200{cursor}")
            if page is None:
                time.sleep(0.1)
                continue
            found += page["items"]
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"


class Reader(threading.Thread):
    """Follows all runs over every restart of the server."""

    def __init__(self, server: Server) -> None:
        super().__init__(daemon=True)
        self.server, self.rows, self.done = server, dict[int, str](), False
        self.doubled: list[int] = []

    def run(self) -> None:
        """Read until told to stop."""
        while not self.done:
            last = max(self.rows, default=0)
            try:
                with httpx.stream(
                    "GET", f"{self.server.url}/api/stream?runs=*&after={last}", timeout=20, trust_env=False
                ) as answer:
                    self._take(answer)
            except (httpx.HTTPError, httpx.InvalidURL):
                time.sleep(0.05)

    def _take(self, answer: httpx.Response) -> None:
        row = 0
        for line in answer.iter_lines():
            if line.startswith("id:"):
                row = int(line[3:])
            elif line.startswith("data:") and row:
                if row in self.rows:
                    self.doubled.append(row)
                self.rows[row] = line[5:].strip()
                row = 0
            if self.done:
                return


def campaign(
    data: Path, kills: int, seed: int, say: Callable[[str], None] = lambda text: None, haste: float = 1.0
) -> Found:
    """Kill so many times, then let everything end, and look.

    Args:
        data: an empty directory.
        kills: how many processes are killed.
        seed: of the moments and of who is hit.
        say: is told how it goes.
        haste: how many times faster the races run, and the deaths follow each other.

    Returns:
        What was done and found.
    """
    dice, found, server = random.Random(seed), Found(), Server(data)
    server.start()
    reader = Reader(server)
    reader.start()
    race = {**RACE, "pace": RACE["pace"] * haste}
    undisturbed = _wait(server, _submit(server, race))
    for turn in range(kills):
        _keep_busy(server, dice, race)
        time.sleep(dice.uniform(0.0, 2.5) / haste)
        workers = server.workers()
        if workers and dice.random() < 0.6:
            _strike(dice.choice(workers))
            found.kills["worker"] += 1
        else:
            server.kill()
            found.kills["server"] += 1
            _check_file(data, found)
            server.start()
        say(f"{turn + 1}/{kills} {found.kills} wrong: {len(found.wrong)}")
    _check(server, reader, undisturbed, found)
    server.stop()
    _check_file(data, found)
    return found


def _strike(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def _submit(server: Server, request: dict[str, Any]) -> str:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        run = server.ask("POST", "/runs", request)
        if run is not None:
            return str(run["id"])
        time.sleep(0.1)
    raise TimeoutError("no run was taken")


def _keep_busy(server: Server, dice: random.Random, race: dict[str, Any]) -> None:
    """Have a race and an analysis under way or waiting at least."""
    live = [run for run in server.runs() if run["status"] not in ENDED]
    if sum(run["kind"] == "train" for run in live) < 2:
        _submit(server, {**race, "recovery": dice.choice(["fail", "resume", "resume"])})
    if not any(run["kind"] == "analyse" for run in live):
        _submit(server, LOOK)


def _wait(server: Server, run: str) -> str:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        now = server.ask("GET", f"/runs/{run}")
        if now is not None and now["status"] in ENDED:
            return run
        time.sleep(0.1)
    raise TimeoutError(f"run {run} is stuck")


def _check_file(data: Path, found: Found) -> None:
    """Look at the database as the dead server has left it, its log still beside it."""
    with sqlite3.connect(f"file:{data}/gradscape.sqlite?mode=ro", uri=True) as base:
        told = base.execute("PRAGMA integrity_check").fetchall()
        gaps = base.execute(
            "SELECT r.id FROM runs r LEFT JOIN (SELECT run, COUNT(*) n, MAX(seq) m FROM events GROUP BY run) e"
            " ON e.run = r.id WHERE r.last_seq <> COALESCE(e.m, 0) OR COALESCE(e.n, 0) <> COALESCE(e.m, 0)"
        ).fetchall()
    base.close()
    if told != [("ok",)]:
        found.wrong.append(f"the database is damaged: {told[:3]}")
    if gaps:
        found.wrong.append(f"events are missing or doubled in {gaps[:3]}")


def _check(server: Server, reader: Reader, undisturbed: str, found: Found) -> None:
    until = time.monotonic() + PATIENCE
    while any(run["status"] not in ENDED for run in server.runs()) and time.monotonic() < until:
        time.sleep(0.3)
    runs = server.runs()
    found.runs = len(runs)
    found.wrong += [f"run {run['id']} is stuck: {run['status']}" for run in runs if run["status"] not in ENDED]
    stored = {run["id"]: _events(server, run["id"]) for run in runs}
    found.events = sum(len(events) for events in stored.values())
    _check_reader(reader, stored, found)
    expected = _rows(stored[undisturbed])
    children = {run["parent"] for run in runs if run["parent"]}
    for run in runs:
        events = stored[run["id"]]
        ends = [envelope for envelope in events if isinstance(envelope.event, Finished)]
        if len(ends) != 1 or ends[0] is not events[-1] or ends[0].event.status != run["status"]:  # type: ignore[union-attr]
            found.wrong.append(f"run {run['id']} ({run['status']}) has {len(ends)} ends")
        if [envelope.seq for envelope in events] != list(range(1, run["last_seq"] + 1)):
            found.wrong.append(f"run {run['id']} has gaps")
        if run["kind"] != "train":
            continue
        rows = _rows(events)
        found.compared += len(rows)
        wrong = [key for key, row in rows.items() if expected.get(key) != row]
        if wrong:
            found.wrong.append(f"run {run['id']} differs from the undisturbed one at {wrong[:3]}")
        # One that goes on from the last step of all (its parent died before it could say so) has no rows of its own.
        reached = {each.event.step for each in events if isinstance(each.event, LaneEnded)}
        last = max((step for _, step in rows), default=STEPS if run["parent"] else 0)
        if run["status"] == "succeeded" and (reached != {STEPS} or last != STEPS):
            found.wrong.append(f"run {run['id']} has not taken all its steps: {reached}, {last}")
        lost = run["error"] and run["error"]["code"] == "worker_lost"
        if run["request"]["recovery"] == "resume" and lost and run["id"] not in children:
            found.wrong.append(f"run {run['id']} was lost and does not go on")
        found.resumed += run["parent"] is not None
    _check_chains(runs, stored, expected, found)


def _check_chains(runs: list[dict[str, Any]], stored: dict[str, list[Envelope]], expected: Rows, found: Found) -> None:
    """Look for steps that neither a race that succeeded nor one that it goes on from has told."""
    parents = {run["id"]: run["parent"] for run in runs}
    for run in runs:
        if run["kind"] != "train" or run["status"] != "succeeded":
            continue
        told: set[tuple[str, int]] = set()
        each = run["id"]
        while each:
            told |= set(_rows(stored[each]))
            each = parents[each]
        missing = sorted(set(expected) - told)
        if missing:
            found.wrong.append(f"run {run['id']} and its parents have not told {len(missing)} rows: {missing[:3]}")


def _check_reader(reader: Reader, stored: dict[str, list[Envelope]], found: Found) -> None:
    total, until = sum(len(events) for events in stored.values()), time.monotonic() + 30
    while len(reader.rows) < total and time.monotonic() < until:
        time.sleep(0.1)
    reader.done = True
    found.seen = len(reader.rows)
    texts: dict[str, list[Envelope]] = {}
    for row in sorted(reader.rows):
        envelope = Envelope.decode(reader.rows[row])
        texts.setdefault(envelope.run, []).append(envelope)
    for run, events in stored.items():
        if [each.encode() for each in texts.get(run, [])] != [each.encode() for each in events]:
            found.wrong.append(f"the reader has seen {len(texts.get(run, []))} of {len(events)} events of run {run}")
    if reader.doubled:
        found.wrong.append(f"the reader has seen rows twice: {reader.doubled[:3]}")


def _events(server: Server, run: str) -> list[Envelope]:
    found: list[Envelope] = []
    after: int | None = 0
    while after is not None:
        page = server.ask("GET", f"/runs/{run}/events?limit=5000&after={after}")
        assert page is not None
        found += [Envelope.decode(json.dumps(item)) for item in page["items"]]
        after = page["next"]
    return found


def _rows(events: list[Envelope]) -> Rows:
    """Return what each step of each lane told, bit for bit."""
    rows = {}
    for envelope in events:
        chunk = envelope.event
        if isinstance(chunk, TrainChunk):
            for i, step in enumerate(chunk.step):
                rows[str(chunk.lane), int(step)] = tuple(
                    column[i : i + 1].tobytes() for column in (chunk.loss, chunk.grad_norm, chunk.lr)
                )
    return rows


def main() -> int:
    """Run a campaign from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = campaign(Path(folder) / "data", given.kills, given.seed, lambda text: print(text, flush=True))
    print(json.dumps(vars(found), indent=1))
    return 1 if found.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
