"""Probes share the worker with training: when they start, wait and are dropped, and what share of the time they get."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from backend.core.analyses.base import TICK, Context, Events, Moment
from backend.core.analyses.race import RaceView
from backend.core.analyses.train import TRAIN
from backend.core.analyses.train.probes import SLICE, Probes
from backend.schemas.analysis import AnyAnalysis, SurfaceAnalysis
from backend.schemas.events import PathPoints, Plane, SurfaceTile
from backend.schemas.run import Probe
from tests.core.analyses.races import ADAM, BOWL, SGD, WILD, Kept, Script, column, of, problem_of, race, told
from tests.fold import fold

START = Moment(0, torch.zeros(2), torch.zeros(0))
SURFACE = {"every": 10, "analysis": {"kind": "surface", "plane": {"kind": "pca"}, "resolution": 5}}
PATHS = {"every": 10, "analysis": {"kind": "trajectory", "plane": {"kind": "pca"}}}


def view(step: int, *, ended: bool = False) -> RaceView:
    return RaceView(seed=0, steps=100, step=step, start=START, paths=(), recent=(), ended=ended)


class Works:
    """Probes of a given number of pieces, on a clock that only their work moves."""

    def __init__(self, pieces: int, seconds: float = 0.001) -> None:
        self.pieces, self.seconds, self.now = pieces, seconds, 0.0
        self.started: list[int] = []
        self.ended: list[int] = []
        self.closed: list[int] = []

    def start(self, spec: AnyAnalysis, race: RaceView) -> Events:
        self.started.append(race.step)
        return self._work(race.step)

    def _work(self, step: int) -> Events:
        try:
            for _ in range(self.pieces):
                self.now += self.seconds
                yield TICK
            self.ended.append(step)
        except GeneratorExit:
            self.closed.append(step)
            raise


@pytest.fixture
def schedule(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Works, Probes]]:
    def make(pieces: int, *, tune: bool = True, seconds: float = 0.001, late: str = "skip", **probe: Any) -> Any:
        works = Works(pieces, seconds)
        monkeypatch.setattr("backend.core.analyses.train.probes.perf_counter", lambda: works.now)
        asked = Probe(late=late, analysis=SurfaceAnalysis(), **probe)
        return works, Probes([asked], works.start, lambda race: iter(()), tune)

    return make


def drain(work: Iterator[object]) -> int:
    return sum(1 for _ in work)


def test_a_probe_falls_due_at_the_first_step_at_multiples_and_at_the_end(schedule: Any) -> None:
    works, probes = schedule(1, every=4)
    for step in range(7, 15):
        ended = step == 14
        if probes.due(step, ended=ended):
            probes.begin(view(step, ended=ended))
        drain(probes.work(1.0))
    assert works.started == [7, 8, 12, 14]
    assert works.ended == works.started


def test_a_late_probe_is_dropped(schedule: Any) -> None:
    works, probes = schedule(5, every=1)
    for step in range(3):
        probes.begin(view(step))
    assert works.started == [0]
    assert not probes.hold
    drain(probes.work(1.0))
    probes.begin(view(3))
    assert works.started == [0, 3]


def test_or_training_waits_for_it(schedule: Any) -> None:
    works, probes = schedule(5, every=1, late="wait")
    probes.begin(view(0))
    assert not probes.hold
    probes.begin(view(1))
    assert probes.hold
    while probes.hold:
        drain(probes.work(0.0))
    assert works.started == [0, 1]
    assert works.ended == [0]
    assert probes.busy


def test_without_tuning_training_waits_for_every_probe(schedule: Any) -> None:
    works, probes = schedule(5, every=1, tune=False)
    probes.begin(view(0))
    assert probes.hold
    while probes.hold:
        drain(probes.work(0.0))
    assert works.ended == [0]
    assert not probes.busy


def test_the_last_probe_is_never_dropped(schedule: Any) -> None:
    works, probes = schedule(5, every=10)
    probes.begin(view(0))
    probes.begin(view(95, ended=True))
    while probes.busy:
        drain(probes.work(1.0))
    assert works.ended == [0, 95]


@pytest.mark.parametrize("piece", [0.0003, 0.004, 0.03])
@pytest.mark.parametrize("step", [0.0005, 0.02, 0.3])
def test_training_gets_at_least_half_of_the_time(schedule: Any, piece: float, step: float) -> None:
    works, probes = schedule(100_000, seconds=piece, every=1)
    probes.begin(view(0))
    training = 0.0
    for _ in range(400):
        training += step
        probes.earn(step)
        before = works.now
        drain(probes.share())
        assert works.now - before <= SLICE + piece + 1e-9
        assert works.now <= training + piece + 1e-9
    assert works.now >= min(training / 2, 400 * SLICE) * 0.9


def test_idle_time_is_free(schedule: Any) -> None:
    works, probes = schedule(100, every=1)
    probes.begin(view(0))
    drain(probes.work(0.02))
    assert works.now == pytest.approx(0.02, abs=0.0011)
    probes.earn(0.01)
    drain(probes.share())
    assert works.now == pytest.approx(0.03, abs=0.0021)


def test_closing_closes_those_at_work_and_those_that_wait(schedule: Any) -> None:
    works, probes = schedule(5, every=1, late="wait")
    probes.begin(view(0))
    drain(probes.work(0.0))
    probes.begin(view(1))
    probes.close()
    assert works.closed == [0]
    assert works.ended == []
    assert not probes.busy


def test_two_probes_take_turns() -> None:
    turns: list[str] = []

    def start(spec: AnyAnalysis, race: RaceView) -> Events:
        for _ in range(3):
            turns.append(spec.kind)
            yield TICK

    asked = [Probe(analysis=SurfaceAnalysis()), Probe.model_validate_json('{"analysis": {"kind": "trajectory"}}')]
    probes = Probes(asked, start, lambda race: iter(()), True)
    probes.begin(view(0))
    while probes.busy:
        drain(probes.work(1.0))
    assert turns == ["surface", "trajectory"] * 3


def test_a_race_draws_planes_that_move_with_surfaces_and_paths() -> None:
    events = told(race(SGD, ADAM, steps=40, probes=[SURFACE, PATHS], tune=False))
    planes = [plane.plane for plane in of(Plane, events)]
    assert len(planes) == len(set(planes)) >= 3
    assert [plane.step for plane in of(Plane, events)] == [10, 20, 40]
    for plane in planes:
        tile = of(SurfaceTile, events, plane=plane)[-1]
        assert tile.final
        assert tile.loss.shape == (5, 5)
    last = {path.lane: path for path in of(PathPoints, events, plane=planes[-1])}
    for lane in ("SGD", "Adam"):
        rows = np.concatenate([path.step for path in of(PathPoints, events, plane=planes[-1], lane=lane)])
        assert rows.tolist() == list(range(41))
        assert np.abs(last[lane].a).max() <= 1.0


def test_on_a_fixed_plane_paths_have_every_step_whatever_was_kept() -> None:
    fixed = [
        {**probe, "analysis": {**probe["analysis"], "plane": {"kind": "coordinates"}}} for probe in (SURFACE, PATHS)
    ]
    request = race(SGD, problem=BOWL, steps=60, probes=fixed, snapshots={"budget_mb": 0.0})
    events = told(request)
    assert len(of(Plane, events)) == 1
    rows = np.concatenate([path.step for path in of(PathPoints, events)])
    assert rows.tolist() == list(range(61))


@pytest.mark.parametrize("tune", [False, True])
def test_probes_never_move_a_lane(tune: bool) -> None:
    plain = race(SGD, ADAM, steps=40, batch_size=20, tune=tune)
    probed = race(SGD, ADAM, steps=40, batch_size=20, probes=[SURFACE, PATHS], tune=tune)
    kept, other = Kept(), Kept()
    without, with_ = told(plain, Context(seed=0, keeper=kept)), told(probed, Context(seed=0, keeper=other))
    for lane in ("SGD", "Adam"):
        for name in ("loss", "grad_norm"):
            assert np.array_equal(column(without, lane, name), column(with_, lane, name))
        for step, moment in kept.snapshots[lane, 0].items():
            assert torch.equal(moment.params_P, other.snapshots[lane, 0][step].params_P)
    assert other.planes


def test_with_probes_too_the_same_seed_tells_the_same() -> None:
    request = race(SGD, ADAM, steps=40, batch_size=20, probes=[SURFACE, PATHS], tune=False)
    assert fold(told(request)) == fold(told(request))


def test_a_diverged_lane_does_not_stop_the_pictures() -> None:
    events = told(
        race(SGD, {**WILD, "optimizer": {"kind": "sgd", "lr": 1.0}}, problem=BOWL, steps=30, probes=[SURFACE, PATHS])
    )
    assert of(SurfaceTile, events)[-1].final
    assert np.isfinite(of(SurfaceTile, events)[-1].loss).all()


def test_cancelling_ends_the_probes() -> None:
    request = race(steps=1000, probes=[{**SURFACE, "every": 1}])
    script = Script({30: [{"action": "cancel"}]})
    events = told(request, Context(seed=0, controls=script))
    assert len(column(events, "SGD")) <= 30
    assert events[-1].kind == "lane_ended"


def test_a_probe_that_this_problem_cannot_have_is_refused() -> None:
    axes = {"kind": "surface", "plane": {"kind": "coordinates", "axes": [0, 2]}}
    request = race(problem=BOWL, probes=[SURFACE, {"analysis": axes}])
    sentence = TRAIN.unsupported(problem_of(request), request)
    assert sentence is not None
    assert "variable 2" in sentence
    assert TRAIN.unsupported(problem_of(request), race(problem=BOWL, probes=[SURFACE])) is None


def test_views_tell_each_step_once_and_are_frozen() -> None:
    seen: list[RaceView] = []

    def follow(race: RaceView) -> Events:
        seen.append(race)
        yield TICK

    request = race(SGD, ADAM, steps=25, probes=[{"every": 5, "analysis": {"kind": "surface"}}])
    run_with(request, follow)
    for lane in range(2):
        steps = [moment.step for race_view in seen for moment in race_view.recent[lane].moments]
        assert steps == list(range(26))
        paths = [race_view.paths[lane] for race_view in seen]
        assert all(path.moments[-1].step == race_view.step for path, race_view in zip(paths, seen, strict=True))
    assert [race_view.ended for race_view in seen] == [False] * (len(seen) - 1) + [True]


def run_with(request: Any, follow: Callable[[RaceView], Events]) -> Sequence[object]:
    def nothing(spec: AnyAnalysis, race: RaceView) -> Events:
        return iter(())

    with pytest.MonkeyPatch.context() as patch:
        probes = Probes(request.probes, nothing, follow, request.tune)
        patch.setattr("backend.core.analyses.train.analysis._probes", lambda *_: probes)
        return told(request)
