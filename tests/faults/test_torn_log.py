"""A death at any byte of the write-ahead log: the database opens, whole, with the transactions that were finished."""

import json
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from backend.jobs.clock import now
from backend.jobs.engine import Ended
from backend.jobs.feed import Feed
from backend.jobs.recorder import end
from backend.jobs.sqlite_store import SqliteStore
from backend.jobs.store import EventFilter
from backend.schemas.events import Progress
from backend.schemas.ids import new_run_id
from backend.schemas.run import Run

HEADER, FRAME, PAGE = 32, 24, 4096  # bytes of the log's own header, of each frame's, and of its page


def told(count: int) -> list[Progress]:
    return [Progress(phase="counting", done=i, total=count) for i in range(count)]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in the midst of its life, its log beside it: a run that has ended and one that goes on."""
    folder = tmp_path_factory.mktemp("log")
    store = SqliteStore(folder / "runs.sqlite")
    feed = Feed(store)
    for ends in (True, False):
        run = Run(id=new_run_id(), kind="train", name="", status="queued", created=now(), request={})
        store.create(run)
        seq = 1
        feed.publish(run.id, seq, [], {"status": "running"})
        for size in (1, 5, 20, 2):
            feed.publish(run.id, seq, told(size))
            seq += size
        if ends:
            end(feed, run.id, seq - 1, Ended("succeeded"), 1.0)
    kept = tmp_path_factory.mktemp("kept")
    for file in folder.glob("runs.sqlite*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, kept)
    store.close()
    return kept


def cuts(size: int) -> list[int]:
    """All ends of frames and a byte to either side, and some places at random."""
    ends = range(HEADER, size + 1, FRAME + PAGE)
    near = {min(max(place + off, 0), size) for place in ends for off in (-1, 0, FRAME)}
    return sorted({0, 1, *near, *random.Random(0).sample(range(size), 20)})


def test_a_log_that_was_cut_at_any_byte_is_read_up_to_its_last_whole_transaction(log: Path, tmp_path: Path) -> None:
    data = (log / "runs.sqlite-wal").read_bytes()
    before = -1
    for cut in cuts(len(data)):
        here = tmp_path / str(cut)
        here.mkdir()
        shutil.copy(log / "runs.sqlite", here)
        (here / "runs.sqlite-wal").write_bytes(data[:cut])
        count = opened(here)
        assert count >= before, cut  # a longer log never holds less
        before = count
        shutil.rmtree(here)
    assert before == 2 * 28 + 1


def test_a_byte_that_was_written_wrongly_ends_the_log_there(log: Path, tmp_path: Path) -> None:
    data = bytearray((log / "runs.sqlite-wal").read_bytes())
    for place in random.Random(1).sample(range(HEADER, len(data)), 20):
        here = tmp_path / str(place)
        here.mkdir()
        shutil.copy(log / "runs.sqlite", here)
        spoilt = bytearray(data)
        spoilt[place] ^= 0xFF
        (here / "runs.sqlite-wal").write_bytes(spoilt)
        assert opened(here) <= 2 * 28 + 1
        shutil.rmtree(here)


def opened(folder: Path) -> int:
    """Open the database as the next server does, look whether it is whole, and count its events."""
    store = SqliteStore(folder / "runs.sqlite")
    runs, _ = store.page(status=None, kind=None, tag=None, limit=10, cursor=None)
    total = 0
    for run in runs:
        rows = store.read(run.id, EventFilter(limit=1000))
        assert [row.seq for row in rows] == list(range(1, run.last_seq + 1))
        assert all(json.loads(row.text)["seq"] == row.seq for row in rows)
        assert (run.status == "succeeded") == (bool(rows) and rows[-1].kind == "finished")
        total += len(rows)
        if run.status == "running":
            end(Feed(store), run.id, run.last_seq, Ended("failed"), 0.0)  # it can be written, too
    store.close()
    with sqlite3.connect(folder / "runs.sqlite") as base:
        assert base.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    base.close()
    return total
