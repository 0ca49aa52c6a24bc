"""A race, or a sweep, that several workers share is the race that one worker runs: its numbers, bands and files."""

import os
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from backend.jobs.engine import Ended, Engine
from backend.jobs.inline import InlineEngine
from backend.jobs.joint_race import JointRace
from backend.jobs.local import LocalEngine
from backend.jobs.service import Service
from backend.jobs.slots import Part, Slot, choose_slots
from backend.jobs.snapshot_files import list_snapshots
from backend.jobs.split import pieces, share_out
from backend.jobs.store import EventFilter
from backend.jobs.ticket import Ticket
from backend.schemas.analysis import SweepAnalysis, TrajectoryAnalysis
from backend.schemas.analysis.rules import Competitor
from backend.schemas.control import AnyControl, Cancel, Pause, Resume, Set, Step
from backend.schemas.events import AnyEvent, Controlled, Envelope, LaneEnded, Progress, Started, Sweep, TrainChunk
from backend.schemas.optimizer.adam import AdamOptimizer
from backend.schemas.optimizer.sam import SamOptimizer
from backend.schemas.optimizer.sgd import SgdOptimizer
from backend.schemas.point import RunPoint
from backend.schemas.problem import DataProblem, FunctionProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.model import MlpModel
from backend.schemas.replay import replay_of
from backend.schemas.run import AnalyseRequest, Change, Lane, Probe, Run, TrainRequest
from tests.fold import fold
from tests.jobs.sinks import Memory, script, task
from tests.jobs.test_same_seed import served

PATIENCE = 120.0
DIGITS = DataProblem(data=DigitsData(examples=200), model=MlpModel(hidden=(6,)))
LANES = (
    Lane(name="SGD"), Lane(name="Adam", optimizer=AdamOptimizer(lr=0.01)), Lane(name="SAM", optimizer=SamOptimizer()),
)  # fmt: skip
RULES = (
    Competitor(name="SGD", optimizer=SgdOptimizer()),
    Competitor(name="SAM", optimizer=SamOptimizer()),
    Competitor(name="Wild", optimizer=SgdOptimizer(momentum=0.99)),
)


def race(**fields: Any) -> TrainRequest:
    usual = {"problem": DIGITS, "lanes": LANES, "steps": 60, "repeats": 6, "batch_size": 32, "seed": 5}
    return TrainRequest(**{**usual, **fields})


def sweep(**fields: Any) -> AnalyseRequest:
    usual = {"rules": RULES, "low": 1e-3, "high": 1e4, "rates": 5, "budget": 70, "batch_size": 50, "divergence": 2.0}
    return AnalyseRequest(problem=DIGITS, analysis=SweepAnalysis(**{**usual, **fields}), seed=3)


def by_lane(events: list[AnyEvent]) -> tuple[Any, Any]:
    """What each lane and repeat told, in its order; lanes among one another have none."""
    told, lanes = fold(events), defaultdict(list)
    for event in told["other"]:
        lanes[event.get("lane"), event.get("repeat")].append({k: v for k, v in event.items() if k != "parts"})
    return told["columns"], dict(lanes)


@pytest.fixture(scope="module")
def inline() -> Iterator[InlineEngine]:
    engine = InlineEngine(threads=1)
    yield engine
    engine.close()


def in_parts(engine: Engine, request: Any, parts: int, folder: Path) -> list[AnyEvent]:
    sink = Memory()
    tasks = share_out(task("run", request, folder), parts)
    assert [(each.part, each.parts) for each in tasks] == [(part, parts) for part in range(parts)]
    assert engine.submit(tasks, sink).wait(PATIENCE) == Ended("succeeded")
    return sink.told["run"]


CHANGES = (Change(step=20, lane="Adam", field="lr", value=0.1), Change(step=31, lane="SGD", value=0.2, repeats=(1, 4)))


@pytest.mark.parametrize(("tune", "counts"), [(True, (2, 5)), (False, (3,))])
def test_the_parts_tell_the_race(inline: InlineEngine, tmp_path: Path, tune: bool, counts: tuple[int, ...]) -> None:
    request = race(changes=CHANGES, tune=tune)
    whole = in_parts(inline, request, 1, tmp_path / "1")
    for parts in counts:
        told = in_parts(inline, request, parts, tmp_path / str(parts))
        columns, lanes = by_lane(told)
        expected, others = by_lane(whole)
        assert columns == expected
        assert {key: value for key, value in lanes.items() if key[0] is None} == {
            key: value for key, value in others.items() if key[0] is None
        }
        for key in set(lanes) - {("Adam", 0), ("SGD", 0)}:  # controlled: one for each part that obeys
            assert lanes[key] == others[key], key
        assert [event.parts for event in told if isinstance(event, Started)] == [parts]
        done = [event.done for event in told if isinstance(event, Progress)]
        assert done == sorted(done)
        assert list_snapshots(tmp_path / str(parts)) == list_snapshots(tmp_path / "1")


def test_a_change_of_some_repeats_is_a_change_of_these_alone(inline: InlineEngine, tmp_path: Path) -> None:
    plain, changed = (in_parts(inline, race(changes=changes), 1, tmp_path) for changes in ((), CHANGES[1:]))
    one, other = (by_lane(events)[0] for events in (plain, changed))
    differ = {key[2:4] for key in one if key[0] == "train_chunk" and one[key] != other[key]}
    assert differ == {("SGD", 1), ("SGD", 4)}
    (told,) = [event for event in changed if isinstance(event, Controlled)]
    assert (told.step, told.repeats) == (31, (1, 4))


def test_a_race_of_parts_goes_on_and_is_replayed(inline: InlineEngine, tmp_path: Path) -> None:
    request = race(changes=CHANGES)
    told = in_parts(inline, request, 3, tmp_path / "3")
    again = replay_of(request, told)
    assert {change.repeats for change in again.changes} >= {(0, 1), (2, 3), (4, 5)}
    assert by_lane(in_parts(inline, again, 1, tmp_path / "1"))[0] == by_lane(told)[0]


def test_the_parts_tell_the_sweep(inline: InlineEngine, tmp_path: Path) -> None:
    last: list[dict[str | None, Any]] = []
    for parts in (1, 2, 4):
        told = in_parts(inline, sweep(), parts, tmp_path)
        found = [event for event in told if isinstance(event, Sweep)]
        assert sum(event.final for event in found) == 3
        last.append({event.lane: fold([event])["other"] for event in found})
        done = [event.done for event in told if isinstance(event, Progress)]
        assert done == sorted(done)
        assert sum(isinstance(event, Started) for event in told) == 1
    assert last[0] == last[1] == last[2]
    assert any(event.diverged for event in found)


def test_what_is_shared_and_what_stays_whole(tmp_path: Path) -> None:
    assert (pieces(race()), pieces(race(repeats=2, steps=200)), pieces(sweep())) == (16, 6, 15)
    probe = Probe(analysis=TrajectoryAnalysis())
    short = race(steps=50, repeats=6)
    for whole in (race(probes=(probe,)), race(pace=100.0), short, race(repeats=1, lanes=LANES[:1], steps=2000)):
        assert pieces(whole) == 1
        assert share_out(task("run", whole, tmp_path), 4) == (task("run", whole, tmp_path),)
    function = {"problem": FunctionProblem(), "batch_size": None}
    assert (
        pieces(race(**function))
        == pieces(AnalyseRequest(**{**sweep().model_dump(), "problem": FunctionProblem()}))
        == 1
    )


def slots(*takes: Any) -> list[Slot]:
    return [Slot(i, kind, ready=True) for i, kind in enumerate(takes)]


def part(request: Any) -> Part:
    waiting = task("run", request, Path())
    return Part(Ticket((waiting,), Memory()), waiting)


def test_free_workers_share_and_nobody_waits_for_it() -> None:
    places = slots("anything", "anything", "anything", "analyses", "branches")

    def chosen(request: Any, alone: bool = True) -> list[int]:
        return [slot.place for slot in choose_slots(places, part(request), alone)]

    assert chosen(race()) == [0, 1, 2]
    assert chosen(race(repeats=1, steps=600, lanes=LANES[:2])) == [0, 1]
    assert chosen(race(), alone=False) == [0], "something else waits"
    assert chosen(script("short")) == [0]
    assert chosen(sweep()) == [3, 2, 1], "one stays free for a race"
    places[0].part = part(script("busy"))
    assert chosen(race()) == [1, 2]
    assert chosen(sweep()) == [3, 2]


def test_an_answer_waits_for_every_part_that_is_left() -> None:
    joint = JointRace(3)

    def answers(of: int, step: int, action: str) -> list[tuple[str, int | None, int]]:
        told = joint.fold(Controlled(part=of, step=step, action=action))
        return [(event.action, event.step, event.part) for event in told if isinstance(event, Controlled)]

    assert answers(0, 7, "pause") + answers(0, 7, "step") + answers(2, 5, "pause") == []
    assert answers(2, 5, "step") == []
    assert answers(1, 9, "pause") == [("pause", 5, 0)]
    assert [event.action for event in joint.part_ended(1) if isinstance(event, Controlled)] == ["step"]
    assert answers(0, 8, "step") == []
    assert answers(2, 6, "step") == [("step", 6, 0)]


no_ray = pytest.mark.skipif(find_spec("ray") is None, reason="needs Ray: pip install 'gradscape[ray]'")


@pytest.fixture(scope="module", params=["local", pytest.param("ray", marks=no_ray)])
def workers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    engine: Engine
    if request.param == "ray":
        from backend.jobs.ray_engine import RayEngine

        engine = RayEngine(workers=3, threads=1)
    else:
        engine = LocalEngine(workers=3, threads=1)
    found = served(engine, tmp_path_factory.mktemp(request.param))
    yield found
    found.close()


@pytest.fixture
def service(workers: Service) -> Service:
    """All of them idle, spare ones aside."""
    until = time.monotonic() + PATIENCE
    while not all(slot.idle for slot in workers._engine._slots[:3]) and time.monotonic() < until:
        time.sleep(0.02)
    return workers


def told(service: Service, run: Run, *kinds: str) -> list[AnyEvent]:
    rows, _ = service.events(run.id, EventFilter(limit=100_000, kinds=kinds or None))
    return [Envelope.decode(row.text).event for row in rows]


def wait_for(service: Service, run: Run, found: Callable[[list[AnyEvent]], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not found(told(service, run)):
        assert service.get(run.id).status in ("queued", "running"), service.get(run.id).error
        assert time.monotonic() < until
        service.wait(run.id, 0.02)


def reached(step: int) -> Callable[[list[AnyEvent]], bool]:
    return lambda events: any(isinstance(event, Progress) and event.done >= step for event in events)


def test_workers_share_a_race_and_a_sweep(service: Service, inline: InlineEngine, tmp_path: Path) -> None:
    for request in (race(), sweep()):
        run = service.wait(service.submit(request).id, PATIENCE)
        assert run.status == "succeeded", run.error
        events = told(service, run)
        assert [event.parts for event in events if isinstance(event, Started)] == [2]
        whole = in_parts(inline, request, 1, tmp_path / request.kind)
        if isinstance(request, TrainRequest):
            columns, lanes = by_lane([event for event in events if event.kind != "finished"])
            assert (columns, lanes) == by_lane(whole)
            continue
        last = [{e.lane: fold([e])["other"] for e in told if isinstance(e, Sweep)} for told in (events, whole)]
        assert last[0] == last[1]


def test_every_part_is_steered_and_the_race_repeats(service: Service, inline: InlineEngine, tmp_path: Path) -> None:
    request = race(steps=100_000, lanes=LANES[:2], repeats=2, eval_every=1000)
    run = service.submit(request)
    wait_for(service, run, reached(5))
    controls: tuple[AnyControl, ...] = (
        Set(lane="Adam", field="lr", value=0.002), Pause(), Set(lane="SGD", field="momentum", value=0.5),
    )  # fmt: skip
    for control in controls:
        service.control(run.id, control)
    wait_for(service, run, lambda events: sum(e.kind == "controlled" for e in events) >= 5)
    assert service.get(run.id).paused
    before = told(service, run, "train_chunk")
    last = {(e.lane, e.repeat): int(e.step[-1]) for e in before if isinstance(e, TrainChunk)}
    service.control(run.id, Step(n=3))
    wait_for(
        service, run,
        lambda events: {(e.lane, e.repeat, int(e.step[-1]) - 3) for e in events if isinstance(e, TrainChunk)}
        >= {(*key, step) for key, step in last.items()},
    )  # fmt: skip
    for control in (Cancel(lane="SGD"), Resume(), Cancel()):
        service.control(run.id, control)
    assert service.wait(run.id, PATIENCE).status == "cancelled"
    events = told(service, run)
    answers = [(e.action, e.lane, e.repeats) for e in events if isinstance(e, Controlled)]
    whole = [action for action, lane, _ in answers if lane is None]
    assert whole == ["pause", "step", "resume", "cancel"], "one answer of all parts"
    for action, lane in (("set", "Adam"), ("set", "SGD"), ("cancel", "SGD")):
        assert sorted(of for what, who, of in answers if (what, who) == (action, lane)) == [(0,), (1,)]
    ends = {(e.lane, e.repeat): e for e in events if isinstance(e, LaneEnded)}
    assert {e.reason for e in ends.values()} == {"cancelled"}
    for repeat in (0, 1):
        assert ends["SGD", repeat].step == last["SGD", repeat] + 3, "three single steps after the pause"
    steps = max(end.step or 0 for end in ends.values())
    again = in_parts(inline, replay_of(request, events).model_copy(update={"steps": steps}), 1, tmp_path)
    columns, others = (fold(each)["columns"] for each in (events, again))
    for key in [key for key in columns if key[0] == "train_chunk"]:
        for name, (_, _, data) in columns[key].items():
            assert others[key][name][2].startswith(data), (key, name)


def test_a_fork_takes_every_lane_from_its_part(service: Service, inline: InlineEngine, tmp_path: Path) -> None:
    first = service.wait(service.submit(race()).id, PATIENCE)
    origin = RunPoint(run=first.id, step=30)
    rest = service.wait(service.submit(race(origin=origin, resume=True)).id, PATIENCE)
    assert rest.status == "succeeded", rest.error
    rows = [fold(told(service, run))["columns"] for run in (first, rest)]
    for key in [key for key in rows[0] if key[0] == "train_chunk"]:
        for name, (_, _, data) in rows[0][key].items():
            assert data.endswith(rows[1][key][name][2]), (key, name)
            assert rows[1][key][name][1] == (30,)


@pytest.mark.parametrize("recovery", ["fail", "resume"])
def test_a_part_whose_worker_dies_ends_the_race_as_chosen(service: Service, recovery: str) -> None:
    request = race(steps=4000, eval_every=4000, lanes=LANES[:2])
    run = service.submit(request.model_copy(update={"recovery": recovery}))
    wait_for(service, run, lambda events: len({e.repeat for e in events if e.kind == "checkpoint"}) == 6)
    slot = next(slot for slot in service._engine._slots if slot.part is not None and slot.part.task.part == 1)
    os.kill(slot.process.pid, signal.SIGKILL)
    ended = service.wait(run.id, PATIENCE)
    assert ended.error is not None
    assert (ended.status, ended.error.code) == ("failed", "worker_died")
    children = [each for each in service.page()[0] if each.parent == run.id]
    assert len(children) == (recovery == "resume")
    for child in children:
        again = service.wait(child.id, PATIENCE)
        assert again.status == "succeeded", again.error
        ends = [event for event in told(service, again, "lane_ended") if isinstance(event, LaneEnded)]
        assert [(event.step, event.reason) for event in ends] == [(4000, "done")] * 12
