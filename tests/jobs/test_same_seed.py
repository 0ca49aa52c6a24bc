"""Real races through real engines: the same seed gives the same events, and a resumed race goes on bit for bit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.jobs.blobs import Place
from backend.jobs.engine import Engine
from backend.jobs.feed import Feed
from backend.jobs.inline import InlineEngine
from backend.jobs.local import LocalEngine
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore
from backend.jobs.store import EventFilter
from backend.schemas.analysis import (
    BasinAnalysis,
    PcaPlane,
    RandomPlane,
    SurfaceAnalysis,
    SweepAnalysis,
    TrajectoryAnalysis,
)
from backend.schemas.analysis.rules import Competitor
from backend.schemas.control import Pause, Resume, Step
from backend.schemas.events import AnyEvent, Basin, Envelope, Started, Sweep
from backend.schemas.optimizer.adam import AdamOptimizer
from backend.schemas.optimizer.sam import SamOptimizer
from backend.schemas.optimizer.sgd import SgdOptimizer
from backend.schemas.point import RunPoint
from backend.schemas.problem import DataProblem, FunctionProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.model import MlpModel
from backend.schemas.run import AnalyseRequest, AnyRequest, Change, Lane, Probe, Run, TrainRequest
from tests.fold import fold

PATIENCE = 120.0
DIGITS = DataProblem(data=DigitsData(examples=300), model=MlpModel(hidden=(8,)))
LANES = (Lane(name="SGD"), Lane(name="Adam", optimizer=AdamOptimizer(lr=0.01)))
PROBES = (
    Probe(every=7, analysis=SurfaceAnalysis(plane=PcaPlane(), resolution=9)),
    Probe(every=7, analysis=TrajectoryAnalysis(plane=PcaPlane())),
)


def race(**fields: Any) -> TrainRequest:
    defaults = {"problem": DIGITS, "lanes": LANES, "steps": 25, "batch_size": 64, "tune": False, "seed": 5}
    return TrainRequest(**{**defaults, **fields})


def served(engine: Engine, folder: Path, kept: Place | None = None) -> Service:
    store = SqliteStore(folder / "runs.sqlite")
    return Service(store, engine, Feed(store), folder, kept=kept)


@pytest.fixture(scope="module")
def inline(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = served(InlineEngine(threads=1), tmp_path_factory.mktemp("inline"))
    yield service
    service.close()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    service = served(LocalEngine(threads=1), tmp_path_factory.mktemp("local"))
    yield service
    service.close()


def play(service: Service, request: AnyRequest) -> tuple[Run, list[AnyEvent]]:
    run = service.wait(service.submit(request).id, PATIENCE)
    assert run.status == "succeeded", run.error
    return run, told(service, run)


def told(service: Service, run: Run) -> list[AnyEvent]:
    rows, _ = service.events(run.id, EventFilter(limit=100_000))
    assert [row.seq for row in rows] == list(range(1, run.last_seq + 1))
    return [Envelope.decode(row.text).event for row in rows]


def test_a_race_with_its_probes_repeats_on_every_engine(inline: Service, local: Service) -> None:
    request = race(probes=PROBES, repeats=2)
    (_, here), (_, there), (_, again) = play(inline, request), play(local, request), play(inline, request)
    assert fold(here) == fold(again)
    assert fold(here) == fold(there)
    assert {event.kind for event in here} >= {"started", "train_chunk", "band", "eval", "plane", "surface_tile"}
    other = play(inline, race(probes=PROBES, repeats=2, seed=6))[1]
    assert fold(here)["columns"].keys() != fold(other)["columns"].keys() or fold(here) != fold(other)


def test_what_was_kept_repeats_and_so_does_its_analysis(inline: Service, local: Service) -> None:
    found = []
    for service in (inline, local):
        run, _ = play(service, race())
        kept = [(snapshot.lane, snapshot.step, snapshot.resumable) for snapshot in service.snapshots(run.id)]
        at, analysis = (RunPoint(run=run.id, lane="Adam", step=9),), SurfaceAnalysis(plane=RandomPlane(), resolution=9)
        events = play(service, AnalyseRequest(at=at, analysis=analysis, tune=False))[1]
        others = [{k: v for k, v in event.items() if k != "points"} for event in fold(events)["other"]]
        found.append((kept, others))
    assert found[0] == found[1]
    assert ("Adam", 25, True) in found[0][0]


@pytest.mark.parametrize("tune", [False, True])
def test_a_resumed_race_goes_on_bit_for_bit(inline: Service, tune: bool) -> None:
    whole = fold(play(inline, race(steps=40, tune=tune))[1])["columns"]
    first, _ = play(inline, race(steps=25, tune=tune))
    origin = RunPoint(run=first.id, step=25)
    rest = fold(play(inline, race(steps=40, tune=tune, origin=origin, resume=True))[1])["columns"]
    for key, columns in whole.items():
        for name, (dtype, (length,), data) in columns.items():
            size = len(data) // length
            assert rest[key][name] == (dtype, (15,), data[25 * size :]), (key, name)


def test_numbers_hang_neither_on_what_else_runs_nor_on_the_lanes_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At usual settings: replayed, and one lane of it gone back and on, with more or fewer threads to share."""
    monkeypatch.setattr("backend.jobs.inline.pinned_share", lambda: 2)
    found = []
    wide = DataProblem(data=DigitsData(examples=1200), model=MlpModel(hidden=(80,)))
    lanes = (*LANES, Lane(name="SAM", optimizer=SamOptimizer()))
    usual = {"tune": True, "problem": wide, "batch_size": None, "steps": 20, "lanes": lanes}
    service = served(InlineEngine(), tmp_path)
    for share in (1, 3):
        monkeypatch.setattr("backend.jobs.inline.fair_share", lambda busy, share=share: share)
        run, events = play(service, race(**usual))
        found.append(fold(events)["columns"])
    assert found[0] == found[1]
    for lane in lanes:
        origin = RunPoint(run=run.id, lane=lane.name, step=10)
        rest = play(service, race(**{**usual, "lanes": (lane,)}, origin=origin, resume=True))[1]
        for key, columns in fold(rest)["columns"].items():
            for name, (dtype, _, data) in columns.items():
                assert (dtype, data) == (found[0][key][name][0], found[0][key][name][2][-len(data) :]), (key, name)
    service.close()


@pytest.mark.parametrize("tune", [False, True])
def test_a_race_is_rewound_and_goes_on_differently(inline: Service, tune: bool) -> None:
    """Back to the checkpoint of step 20, a doubled rate from there: what a race would be that was changed at 20."""
    lane = race().lanes[0]
    change = Change(step=20, lane=lane.name, field="lr", value=2 * lane.optimizer.lr)
    usual = {"steps": 40, "tune": tune}
    first, _ = play(inline, race(**usual))
    origin = RunPoint(run=first.id, lane=lane.name, step=20)
    rewound = fold(play(inline, race(**usual, origin=origin, resume=True, changes=(change,)))[1])["columns"]
    straight = fold(play(inline, race(**usual, changes=(change,)))[1])["columns"]
    for key, columns in straight.items():
        for name, (dtype, (length,), data) in columns.items():
            size = len(data) // length
            assert rewound[key][name] == (dtype, (20,), data[20 * size :]), (key, name)


def test_a_race_obeys_between_steps_through_the_worker(local: Service) -> None:
    run = local.submit(race(steps=2000, pace=1000.0))
    while not local.get(run.id).last_seq:
        local.wait(run.id, 0.01)
    for control in (Pause(), Step(n=2), Resume()):
        assert local.control(run.id, control).status == "running"
    ended = local.wait(run.id, PATIENCE)
    actions = [event.action for event in told(local, ended) if event.kind == "controlled"]
    assert (ended.status, actions) == ("succeeded", ["pause", "step", "resume"])


def test_a_comparison_of_rules_tells_their_names_as_lanes(inline: Service) -> None:
    rules = (
        Competitor(name="slow", optimizer=SgdOptimizer(lr=0.01)),
        Competitor(name="Adam", optimizer=AdamOptimizer()),
    )
    for analysis in (SweepAnalysis(rules=rules, rates=3, budget=5), BasinAnalysis(rules=rules, resolution=5, steps=5)):
        first, *rest = play(inline, AnalyseRequest(problem=FunctionProblem(), analysis=analysis))[1]
        assert isinstance(first, Started)
        assert first.lanes == ("slow", "Adam")
        assert {event.lane for event in rest if isinstance(event, Sweep | Basin)} == {"slow", "Adam"}
