import math
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sqlalchemy import create_engine

from backend.jobs.errors import Conflict, NotFound, Unavailable
from backend.jobs.migrations import STEPS
from backend.jobs.sqlite_store import SqliteStore
from backend.jobs.store import EventFilter
from backend.schemas.events import AnyEvent, Envelope, Eval, PathPoints, Progress, Started, TrainChunk
from backend.schemas.ids import new_run_id
from backend.schemas.run import ProgressState, Run


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqliteStore]:
    opened = SqliteStore(":memory:" if request.param == "memory" else tmp_path / "runs.sqlite")
    yield opened
    opened.close()


def a_run(**fields: Any) -> Run:
    values = {"id": new_run_id(), "kind": "train", "name": "a run", "status": "queued", "created": "now", "request": {}}
    return Run.model_validate(values | fields)


def progress(n: int, first: int = 0) -> list[AnyEvent]:
    return [Progress(phase="counting", done=i, total=n) for i in range(first, first + n)]


def chunk(lane: str, first: int, n: int = 3) -> TrainChunk:
    column = np.full(n, np.nan, np.float32)
    step = np.arange(first, first + n, dtype=np.int32)
    return TrainChunk(lane=lane, step=step, loss=column, grad_norm=column, lr=column, seconds=column)


def seqs(store: SqliteStore, run: Run, **which: Any) -> list[int]:
    return [row.seq for row in store.read(run.id, EventFilter(**which))]


def test_a_run_is_returned_as_it_was_stored(store: SqliteStore) -> None:
    run = a_run(tags=("a", "b"), request={"lr": "NaN"}, progress=ProgressState(phase="x", done=1, total=2))
    assert store.create(run) == run
    assert store.get(run.id) == run
    assert store.get("0" * 15) is None


@settings(max_examples=40, deadline=None)
@given(batches=st.lists(st.integers(0, 7), max_size=8), after=st.integers(0, 20), limit=st.integers(1, 30))
def test_what_is_appended_is_read_in_order(batches: list[int], after: int, limit: int) -> None:
    store = SqliteStore(":memory:")
    run = store.create(a_run())
    total = 0
    for size in batches:
        store.append(run.id, total + 1, progress(size, total))
        total += size
    assert seqs(store, run, after=after, limit=limit) == list(range(1, total + 1))[after : after + limit]
    found = store.get(run.id)
    assert found is not None
    assert found.last_seq == total
    store.close()


@settings(max_examples=30, deadline=None)
@given(have=st.integers(0, 5), first=st.integers(-1, 9))
def test_a_gap_or_a_double_is_refused_and_leaves_nothing(have: int, first: int) -> None:
    store = SqliteStore(":memory:")
    run = store.create(a_run())
    store.append(run.id, 1, progress(have))
    if first == have + 1:
        store.append(run.id, first, progress(2))
        assert seqs(store, run) == list(range(1, have + 3))
    else:
        with pytest.raises(Conflict, match=f"expected event {have + 1} "):
            store.append(run.id, first, progress(2))
        assert seqs(store, run) == list(range(1, have + 1))
    store.close()


@settings(max_examples=40, deadline=None)
@given(values=npst.arrays(np.float64, st.integers(0, 6), elements=st.floats(allow_nan=True, allow_infinity=True)))
def test_not_finite_values_survive(values: np.ndarray) -> None:
    store = SqliteStore(":memory:")
    run = store.create(a_run())
    step = np.arange(len(values), dtype=np.int32)
    sent = PathPoints(lane="SGD", plane="p", step=step, a=values, b=values, off_plane=values, loss=values)
    store.append(run.id, 1, [sent, Eval(split="train", loss=math.nan, accuracy=math.inf)])
    path, evaluation = (Envelope.decode(row.text) for row in store.read(run.id, EventFilter()))
    assert isinstance(path.event, PathPoints)
    assert path.event.loss.tobytes() == values.tobytes()
    assert isinstance(evaluation.event, Eval)
    assert math.isnan(evaluation.event.loss)
    assert evaluation.event.accuracy == math.inf
    store.close()


def test_the_stored_text_is_the_envelope_on_the_wire(store: SqliteStore) -> None:
    run = store.create(a_run())
    store.append(run.id, 1, [Started(device="cpu", dtype="float32", parameters=2, examples=0)])
    (row,) = store.read(run.id, EventFilter())
    envelope = Envelope.decode(row.text)
    assert (envelope.run, envelope.seq, envelope.event.kind) == (run.id, 1, row.kind)
    assert envelope.encode() == row.text


def test_events_are_found_by_kind_lane_and_step(store: SqliteStore) -> None:
    run = store.create(a_run())
    told: list[AnyEvent] = [
        Started(device="cpu", dtype="float32", parameters=2, examples=0),
        chunk("SGD", 0), chunk("Adam", 0), Eval(lane="SGD", step=2, split="train", loss=1.0, accuracy=None),
        chunk("SGD", 3), chunk("Adam", 3), *progress(2),
    ]  # fmt: skip
    store.append(run.id, 1, told)
    assert seqs(store, run, kinds=("train_chunk", "eval")) == [2, 3, 4, 5, 6]
    assert seqs(store, run, lane="SGD") == [2, 4, 5]
    assert seqs(store, run, step_to=2) == [1, 2, 3, 4, 7, 8], "a chunk counts from its first step; no step is kept"
    assert seqs(store, run, kinds=("train_chunk",), last=2) == [5, 6]
    assert seqs(store, run, kinds=("train_chunk",), lane="SGD", step_to=2, last=1) == [2]


def test_a_tail_follows_several_runs_in_the_order_of_rows(store: SqliteStore) -> None:
    one, two, three = (store.create(a_run()) for _ in range(3))
    for run in (one, two, three, one, two):
        found = store.get(run.id)
        assert found is not None
        store.append(run.id, found.last_seq + 1, progress(1))
    rows = store.tail((one.id, two.id), (), after=0, limit=10)
    assert [(row.run, row.seq) for row in rows] == [(one.id, 1), (two.id, 1), (one.id, 2), (two.id, 2)]
    assert [row.run for row in store.tail(None, ("progress",), after=rows[1].row, limit=1)] == [three.id]
    assert store.tail(None, ("eval",), after=0, limit=10) == []


def test_events_and_their_changes_are_one(store: SqliteStore) -> None:
    run = store.create(a_run())
    with pytest.raises(Conflict, match="cannot become"):
        store.append(run.id, 1, progress(2), {"status": "succeeded"})
    assert seqs(store, run) == []
    store.append(run.id, 1, progress(2), {"status": "running", "started": "then"})
    found = store.get(run.id)
    assert found is not None
    assert (found.status, found.started, found.last_seq) == ("running", "then", 2)


def test_an_update_changes_what_may_change(store: SqliteStore) -> None:
    run = store.create(a_run())
    assert store.update(run.id, name="other", tags=("x",)).name == "other"
    with pytest.raises(TypeError, match="expected fields among"):
        store.update(run.id, id="1")
    with pytest.raises(NotFound):
        store.update("0" * 15, name="nobody")


def test_pages_go_from_new_to_old(store: SqliteStore) -> None:
    runs = [store.create(a_run(id=f"{i:015d}", tags=(f"t{i % 2}", "all"))) for i in range(7)]
    found: list[Run] = []
    cursor: str | None = None
    while True:
        page, cursor = store.page(status=None, kind=None, tag=None, limit=3, cursor=cursor)
        found += page
        if cursor is None:
            break
    assert found == runs[::-1]
    tagged, _ = store.page(status="queued", kind="train", tag="t1", limit=10, cursor=None)
    assert tagged == [runs[5], runs[3], runs[1]]
    assert store.page(status="failed", kind=None, tag=None, limit=10, cursor=None) == ([], None)


def test_an_idempotency_key_gives_the_same_run_again(store: SqliteStore) -> None:
    first = store.create(a_run(), ("key", "body"))
    assert store.create(a_run(), ("key", "body")) == first
    with pytest.raises(Conflict, match="another body"):
        store.create(a_run(), ("key", "other"))
    assert len(store.page(status=None, kind=None, tag=None, limit=10, cursor=None)[0]) == 1


def test_deleting_a_run_deletes_its_events_and_no_others(store: SqliteStore) -> None:
    gone, kept = store.create(a_run(), ("key", "body")), store.create(a_run())
    for run in (gone, kept):
        store.append(run.id, 1, progress(3))
    last = store.tail(None, (), 0, 100)[-1].row
    store.delete(kept.id)
    store.delete(gone.id)
    assert store.tail(None, (), 0, 100) == []
    with pytest.raises(NotFound):
        store.delete(gone.id)
    again = store.create(a_run(), ("key", "another body"))
    store.append(again.id, 1, progress(1))
    assert store.tail(None, (), 0, 100)[0].row > last, "a row's number never comes back"


def test_threads_write_and_read_at_once(store: SqliteStore) -> None:
    runs = [store.create(a_run()) for _ in range(4)]
    faults: list[Exception] = []

    def write(run: Run) -> None:
        try:
            for first in range(0, 60, 3):
                store.append(run.id, first + 1, progress(3))
                assert seqs(store, run) == list(range(1, first + 4))
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=write, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    rows = store.tail(None, (), 0, 1000)
    assert [row.row for row in rows] == sorted({row.row for row in rows})
    assert len(rows) == 4 * 60


def test_history_survives_a_restart(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "runs.sqlite")
    run = store.create(a_run())
    store.append(run.id, 1, progress(5))
    texts = [row.text for row in store.read(run.id, EventFilter())]
    store.close()
    again = SqliteStore(tmp_path / "runs.sqlite")
    assert [row.text for row in again.read(run.id, EventFilter())] == texts
    again.append(run.id, 6, progress(1))
    again.close()


WRITER = """
import sys
from pathlib import Path
from backend.jobs.sqlite_store import SqliteStore
from backend.schemas.events import Progress
store = SqliteStore(Path(sys.argv[1]))
for seq in range(1, 1_000_000):
    store.append(sys.argv[2], seq, [Progress(phase="counting", done=seq, total=0)])
    print(seq, flush=True)
"""


def test_a_killed_writer_loses_nothing_it_has_acknowledged(tmp_path: Path) -> None:
    file = tmp_path / "runs.sqlite"
    store = SqliteStore(file)
    run = store.create(a_run())
    store.close()
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(file), run.id], stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    acknowledged = [int(writer.stdout.readline()) for _ in range(200)]
    writer.kill()
    acknowledged += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
    writer.wait()
    writer.stdout.close()
    store = SqliteStore(file)
    found = seqs(store, run, limit=1_000_000)
    assert found[: len(acknowledged)] == acknowledged
    assert found == list(range(1, len(found) + 1))
    store.close()


def test_a_database_of_a_later_release_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "runs.sqlite"
    SqliteStore(file).close()
    engine = create_engine(f"sqlite:///{file}")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA user_version = {len(STEPS) + 1}")
    engine.dispose()
    with pytest.raises(Unavailable, match=f"version {len(STEPS)} or lower, got version {len(STEPS) + 1}"):
        SqliteStore(file)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "runs.sqlite"
    file.write_text("not a database at all, but long enough to be looked at " * 10)
    with pytest.raises(Unavailable, match="cannot use"):
        SqliteStore(file)
    with pytest.raises(Unavailable, match="cannot use"):
        SqliteStore(tmp_path / "missing" / "runs.sqlite")
