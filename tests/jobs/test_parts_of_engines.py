"""The small parts that engines are made of: controls, outbox, slots, shares of the machine, frames."""

import io
import pickle
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from backend.jobs import machine
from backend.jobs.controls import ControlBox
from backend.jobs.engine import Ended, Source
from backend.jobs.errors import Unavailable
from backend.jobs.local import LocalEngine
from backend.jobs.machine import cores, fair_share, gpus, pinned_share
from backend.jobs.messages import Done, Threads, Told, read_message, write_message
from backend.jobs.outbox import Outbox
from backend.jobs.slots import Part, Slot, choose_slot
from backend.jobs.state import NEXT
from backend.jobs.ticket import Ticket
from backend.schemas.control import Cancel, Pause, Resume
from backend.schemas.events import AnyEvent, Progress, ResolvedPoint
from backend.schemas.problem import FunctionProblem
from backend.schemas.run import ENDED, AnalyseRequest, AnyRequest
from tests.jobs.sinks import Memory, script, task

PATIENCE = 60.0


def progress(i: int) -> AnyEvent:
    return Progress(phase="counting", done=i, total=0)


def test_controls_come_out_once_and_in_order() -> None:
    box = ControlBox()
    assert list(box.take()) == []
    box.put(Pause())
    box.put(Cancel(lane="SGD"))
    assert box.cancelled_at is None, "a lane's cancel is not the run's"
    box.put(Cancel())
    assert box.cancelled_at is not None
    assert [control.action for control in box.take()] == ["pause", "cancel", "cancel"]
    assert list(box.take()) == []


def test_a_control_ends_idling() -> None:
    box = ControlBox()
    box.put(Resume())
    box.idle(PATIENCE)  # one waits already
    box.take()
    threading.Timer(0.02, box.put, (Pause(),)).start()
    box.idle(PATIENCE)
    assert list(box.take()) == [Pause()]


def test_the_outbox_sends_in_order_and_in_the_end_everything() -> None:
    sent: list[list[AnyEvent]] = []
    outbox = Outbox(sent.append)
    for i in range(200):
        outbox.add([progress(i)])
    outbox.close()
    assert [event for batch in sent for event in batch] == [progress(i) for i in range(200)]
    assert sent[0] == [progress(0)], "the first goes at once"
    assert len(sent) < 200, "the next ones go together"


def test_the_outbox_sends_for_a_task_that_is_busy() -> None:
    came = threading.Event()
    outbox = Outbox(lambda events: came.set() if progress(1) in events else None)
    outbox.add([progress(0)])
    outbox.add([progress(1)])
    assert came.wait(PATIENCE), "without another call from the task"
    outbox.close()


def test_what_cannot_be_sent_is_told_to_the_task() -> None:
    def refuse(events: list[AnyEvent]) -> None:
        raise BrokenPipeError

    outbox = Outbox(refuse)
    with pytest.raises(BrokenPipeError):
        outbox.add([progress(0)])
    outbox.close()


def part(request: AnyRequest, *sources: Source) -> Part:
    waiting = task("run", request, Path(), 0, 1, *sources)
    return Part(Ticket((waiting,), Memory()), waiting)


def slots(*idle: bool, analyst: bool = True) -> list[Slot]:
    last = len(idle) - 1
    return [Slot(i, "analyses" if analyst and i == last else "anything", ready=it) for i, it in enumerate(idle)]


@pytest.mark.parametrize(
    ("idle", "analyst", "race", "analysis"),
    [
        ((True,), False, 0, 0),
        ((False,), False, None, None),
        ((True, True), True, 0, 1),
        ((False, True), True, None, 1),
        ((True, False), True, 0, None),  # the last free worker waits for a race
        ((True, True, False), True, 0, 1),
        ((False, True, False), True, 1, None),
        ((True, True, True), True, 0, 2),
    ],
)
def test_races_and_analyses_never_wait_for_each_other(
    idle: tuple[bool, ...], analyst: bool, race: int | None, analysis: int | None
) -> None:
    places = slots(*idle, analyst=analyst)
    for request, expected in ((script("x"), race), (AnalyseRequest(problem=FunctionProblem()), analysis)):
        chosen = choose_slot(places, part(request))
        assert (None if chosen is None else chosen.place) == expected


@pytest.mark.parametrize(
    ("idle", "ball"), [((True, True, True), 0), ((False, True, True), 2), ((False, True, False), None)]
)
def test_a_ball_need_not_wait_for_the_race_it_is_dropped_into(idle: tuple[bool, ...], ball: int | None) -> None:
    takes = ("anything", "analyses", "branches")
    places = [Slot(i, kind, ready=ready) for i, (kind, ready) in enumerate(zip(takes, idle, strict=True))]
    chosen = choose_slot(places, part(script("x"), Source(Path(), ResolvedPoint(run="race", step=3))))
    assert (None if chosen is None else chosen.place) == ball
    race, analysis = part(script("x")), part(AnalyseRequest(problem=FunctionProblem()))
    assert [slot and slot.takes for slot in (choose_slot(places, race), choose_slot(places, analysis))] == [
        "anything" if idle[0] else None, "analyses",
    ]  # fmt: skip


def test_threads_are_shared_by_who_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "cores", lambda: 8)
    assert [fair_share(busy) for busy in (0, 1, 2, 3, 20)] == [8, 8, 4, 2, 1]
    assert pinned_share() == 4


def test_the_environment_may_allow_fewer_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert cores() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "not a number")
    assert cores() >= 1


def test_gpus_are_counted_without_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert gpus(tmp_path / "none") == 0
    for name in ("0000:01:00.0", "0000:02:00.0"):
        (tmp_path / name).mkdir()
    assert gpus(tmp_path) == 2
    for allowed, expected in (("1", 1), ("", 0), ("-1", 0), ("0,1,2", 2)):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", allowed)
        assert gpus(tmp_path) == expected


def test_frames_come_back_whole_or_not_at_all() -> None:
    stream = io.BytesIO()
    messages = [Told([progress(1), progress(2)]), Threads(3), Done(Ended("cancelled"))]
    for message in messages:
        write_message(stream, message)
    stream.seek(0)
    assert [read_message(stream) for _ in messages] == messages
    assert read_message(stream) is None
    for cut in (3, 8, 20):
        assert read_message(io.BytesIO(stream.getvalue()[:cut])) is None
    assert pickle.loads(pickle.dumps(messages)) == messages


def test_only_a_run_that_has_ended_stays_as_it_is() -> None:
    assert {status for status, following in NEXT.items() if not following} == set(ENDED)


def test_a_workshop_that_cannot_be_loaded_ends_waiting_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("backend.jobs.pool.LONGEST_REST", 0.0)
    engine = LocalEngine(workers=1, workshop="tests.jobs.sinks:NOTHING")
    sink = Memory()
    ended = engine.submit((task("run", script("numbers 1"), tmp_path),), sink).wait(PATIENCE)
    assert ended is not None
    assert ended.error is not None
    assert ended.error.code == "worker_died"
    assert not engine.state().ready
    engine.close()
    assert "NOTHING" in capfd.readouterr().err
    with pytest.raises(Unavailable):
        engine.submit((task("late", script("numbers 1"), tmp_path),), sink)


PARENT = """
import sys, time
from backend.jobs.local import LocalEngine
engine = LocalEngine(workers=2, workshop="tests.jobs.scripted:SCRIPTED", threads=1)
engine.catalog(60)
print(*(slot.process.pid for slot in engine._slots if slot.process), flush=True)
time.sleep(600)
"""


def test_workers_die_with_their_parent() -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    workers = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(workers) == 2
    assert all(alive(pid) for pid in workers)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    for _ in range(int(PATIENCE * 100)):
        if not any(alive(pid) for pid in workers):
            return
        time.sleep(0.01)
    pytest.fail("the workers have outlived their parent")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
