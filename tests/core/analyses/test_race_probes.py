"""Planes, paths and surfaces of a race, driven view by view."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.core.analyses.base import Events, Forget, Moment, Path, Tick
from backend.core.analyses.race import RaceView
from backend.core.analyses.race_probes import PlaneBook, start_probe
from backend.core.geometry.fit import fit_plane
from backend.core.problems.problem import Problem
from backend.schemas.analysis import AnyAnalysis, CoordinatePlane, PcaPlane, RandomPlane
from backend.schemas.analysis import SurfaceAnalysis as Surface
from backend.schemas.analysis import TrajectoryAnalysis as Trail
from backend.schemas.events import PathPoints, SurfaceTile
from backend.schemas.events import Plane as PlaneEvent
from backend.schemas.run import Probe
from tests.cases import build

STEPS = 20
PCA = Surface(plane=PcaPlane(), resolution=5)
PCA_TRAIL = Trail(plane=PcaPlane())


class Shelf(Forget):
    """Keeps planes."""

    def __init__(self) -> None:
        self.planes: dict[str, tuple[Moment, Tensor, Tensor]] = {}

    def plane(self, plane: str, origin: Moment, u_P: Tensor, v_P: Tensor, about: object = None) -> None:
        self.planes[plane] = (origin, u_P, v_P)


def probe(spec: AnyAnalysis, every: int = 4, late: str = "wait") -> Probe:
    return Probe.model_validate({"analysis": spec, "every": every, "late": late})


@dataclass
class Race:
    """Two lanes of plain gradient descent, seen at the steps that a scheduler chooses."""

    problem: Problem
    probes: Sequence[Probe]
    steps: int = STEPS
    rates: tuple[float, ...] = (0.1, 0.4)
    diverged: frozenset[tuple[str, int]] = frozenset()
    shelf: Shelf = field(default_factory=Shelf)
    seen: int = -1

    def __post_init__(self) -> None:
        self.book = PlaneBook(self.problem, self.probes, self.shelf)
        self.paths = [self._walk(f"lane {k}", rate) for k, rate in enumerate(self.rates)]

    def _walk(self, lane: str, rate: float) -> Path:
        params_P, buffers_B = self.problem.params0(0)
        moments = [Moment(0, params_P, buffers_B)]
        for step in range(1, self.steps + 1):
            theta = moments[-1].params_P.clone().requires_grad_()
            (grad_P,) = torch.autograd.grad(self.problem.loss(theta, buffers_B), theta)
            moments.append(Moment(step, (theta - rate * grad_P).detach(), buffers_B))
        return Path(lane, 0, tuple(moments))

    def view(self, step: int) -> RaceView:
        def part(path: Path, first: int) -> Path:
            return Path(path.lane, path.repeat, path.moments[first : step + 1])

        recent = tuple(part(path, self.seen + 1) for path in self.paths)
        self.seen = step
        return RaceView(
            seed=0, steps=self.steps, step=step, start=self.paths[0].moments[0],
            paths=tuple(part(path, 0) for path in self.paths), recent=recent,
            diverged=self.diverged, ended=step == self.steps,
        )  # fmt: skip

    def due(self, step: int) -> list[Probe]:
        return [one for one in self.probes if step % one.every == 0 or step == self.steps]

    def play(self, looks: Sequence[int] = ()) -> list[object]:
        """Run it all: probes to their end where they fall due, and a look at the paths at some steps besides."""
        events: list[object] = []
        for step in range(self.steps + 1):
            if step in looks:
                events += self.book.follow(self.view(step))
            if due := self.due(step):
                view = self.view(step)
                events += self.book.follow(view)
                for work in [start_probe(one.analysis, self.problem, self.book, view) for one in due]:
                    events += work
        return [event for event in events if not isinstance(event, Tick)]


def rows(events: Sequence[object], plane: str, lane: str) -> dict[str, list[float]]:
    mine = [e for e in events if isinstance(e, PathPoints) and (e.plane, e.lane) == (plane, lane)]
    names = ("step", "a", "b", "off_plane", "loss")
    return {name: np.concatenate([getattr(event, name) for event in mine]).tolist() for name in names}


def planes(events: Sequence[object]) -> list[PlaneEvent]:
    return [event for event in events if isinstance(event, PlaneEvent)]


def tiles(events: Sequence[object]) -> list[SurfaceTile]:
    return [event for event in events if isinstance(event, SurfaceTile)]


def test_a_pca_plane_is_fitted_at_doubling_steps_and_at_the_end() -> None:
    race = Race(build("blobs-tanh"), [probe(PCA), probe(PCA_TRAIL)])
    events = race.play()
    assert [plane.step for plane in planes(events)] == [4, 8, 16, 20]
    assert len({plane.plane for plane in planes(events)}) == 4
    assert set(race.shelf.planes) == {plane.plane for plane in planes(events)}
    assert [(tile.plane, tile.level, tile.step) for tile in tiles(events)] == [
        (plane.plane, 5, plane.step) for plane in planes(events)
    ]


def test_every_plane_comes_before_what_lies_on_it() -> None:
    race = Race(
        build("blobs-tanh"),
        [probe(PCA_TRAIL), probe(PCA), probe(Surface(resolution=5)), probe(Trail(plane=RandomPlane()))],
    )
    known = set()
    for event in race.play():
        if isinstance(event, PlaneEvent):
            assert event.plane not in known
            known.add(event.plane)
        else:
            assert event.plane in known  # type: ignore[attr-defined]
    assert len(known) == 5


def test_paths_are_sent_whole_on_each_new_plane_and_grow_at_every_step() -> None:
    race = Race(build("blobs-tanh"), [probe(PCA), probe(PCA_TRAIL)])
    events = race.play(looks=(6, 11, 13))
    ends = {4: 8, 8: 16, 16: 20, 20: 20}
    for plane in planes(events):
        assert plane.step is not None
        for lane in ("lane 0", "lane 1"):
            assert rows(events, plane.plane, lane)["step"] == list(range(ends[plane.step] + 1))


def test_the_paths_are_where_a_plain_projection_puts_them_and_the_loss_is_true() -> None:
    problem = build("digits-tanh")
    race = Race(problem, [probe(PCA), probe(PCA_TRAIL)])
    events = race.play()
    for plane in planes(events):
        origin, u_P, v_P = race.shelf.planes[plane.plane]
        basis = torch.stack([u_P, v_P], dim=1)
        for path in race.paths:
            found = rows(events, plane.plane, path.lane)
            for k, step in enumerate(found["step"]):
                moment = path.moments[int(step)]
                delta = moment.params_P - origin.params_P
                place = torch.linalg.lstsq(basis, delta[:, None]).solution[:, 0]
                assert (found["a"][k], found["b"][k]) == pytest.approx(tuple(place.tolist()), abs=1e-9)
                assert found["off_plane"][k] == pytest.approx((delta - basis @ place).norm().item(), abs=1e-9)
                if step % 4 == 0:
                    loss = problem.loss(moment.params_P, moment.buffers_B).item()
                    assert found["loss"][k] == pytest.approx(loss, rel=1e-12)
                else:
                    assert math.isnan(found["loss"][k])


@pytest.mark.parametrize("looks", [(), range(STEPS + 1), (1, 2, 7, 13, 14)])
def test_when_one_looks_changes_nothing_but_the_number_of_events(looks: Sequence[int]) -> None:
    probes = [probe(PCA), probe(PCA_TRAIL), probe(Trail(plane=RandomPlane()), every=3)]
    wanted = Race(build("digits-tanh", torch.float32), probes).play(looks=(5,))
    events = Race(build("digits-tanh", torch.float32), probes).play(looks)
    assert [plane.encode() for plane in planes(events)] != []
    assert {plane.encode() for plane in planes(events)} == {plane.encode() for plane in planes(wanted)}
    for plane in planes(events):
        for lane in ("lane 0", "lane 1"):
            np.testing.assert_equal(rows(events, plane.plane, lane), rows(wanted, plane.plane, lane))
    for tile, other in zip(tiles(events), tiles(wanted), strict=True):
        assert tile.encode() == other.encode()


def test_a_fixed_plane_is_drawn_once_and_at_once() -> None:
    probes = [probe(Surface(plane=CoordinatePlane(), resolution=9)), probe(Trail(plane=CoordinatePlane()))]
    race = Race(build("rosenbrock"), probes, rates=(1e-3, 5e-4))
    first = race.view(0)
    events = list(race.book.follow(first))
    events += [e for one in race.due(0) for e in start_probe(one.analysis, race.problem, race.book, first)]
    assert [plane.step for plane in planes(events)] == [0]
    assert [tile.level for tile in tiles(events)] == [5, 9]
    rest = race.play()
    assert not tiles(rest)
    assert not planes(rest)
    (plane,) = planes(events)
    assert rows([*events, *rest], plane.plane, "lane 1")["step"] == list(range(STEPS + 1))


def test_the_random_plane_passes_through_the_start_as_it_does_alone() -> None:
    race = Race(build("blobs-tanh"), [probe(Surface(resolution=5))])
    (plane,) = planes(race.play())
    alone = fit_plane(RandomPlane(), race.problem, race.paths[0].moments[0], (), 0)
    assert alone is not None
    assert plane.plane == alone.id


def test_a_path_lies_on_the_surface_of_the_same_plane_and_on_its_data() -> None:
    surface = Surface(resolution=5, extent=0.5, data_fraction=0.5)
    race = Race(build("digits-tanh"), [probe(Trail(plane=RandomPlane())), probe(surface)])
    events = race.play()
    (plane,) = planes(events)
    assert plane.extent == 0.5
    start = rows(events, plane.plane, "lane 0")["loss"][0]
    assert start == tiles(events)[-1].loss[2, 2]


def test_surfaces_that_differ_have_planes_of_their_own() -> None:
    race = Race(build("blobs-tanh"), [probe(Surface(resolution=5)), probe(Surface(resolution=5, extent=2.0))])
    events = race.play()
    assert [plane.extent for plane in planes(events)] == [1.0, 2.0]
    assert len({tile.plane for tile in tiles(events)}) == 2


def test_a_trail_alone_fits_its_plane_itself() -> None:
    events = Race(build("blobs-tanh"), [probe(PCA_TRAIL, every=5)]).play()
    assert [plane.step for plane in planes(events)] == [5, 10, 20]
    assert rows(events, planes(events)[-1].plane, "lane 1")["step"] == list(range(STEPS + 1))


def test_lanes_that_diverged_are_left_out_of_the_fit_unless_all_did() -> None:
    problem = build("blobs-tanh")
    lost = Race(problem, [probe(PCA)], rates=(0.1, 50.0), diverged=frozenset({("lane 1", 0)}))
    alone = Race(problem, [probe(PCA)], rates=(0.1,))
    assert [p.plane for p in planes(lost.play())] == [p.plane for p in planes(alone.play())]
    both = Race(problem, [probe(PCA)], rates=(0.1,), diverged=frozenset({("lane 0", 0)}))
    assert len(planes(both.play())) == 4


def test_lanes_that_do_not_move_have_no_pca_plane() -> None:
    assert Race(build("blobs-tanh"), [probe(PCA), probe(PCA_TRAIL)], rates=(0.0, 0.0)).play() == []


def advance(work: Events, count: int) -> list[object]:
    """Advance until so many events have come."""
    found: list[object] = []
    while len(found) < count:
        event = next(work)
        found += [] if isinstance(event, Tick) else [event]
    return found


def test_a_dropped_surface_makes_way_for_a_newer_plane_but_a_waited_for_one_is_drawn_out() -> None:
    for late, whole in (("skip", False), ("wait", True)):
        spec = Surface(plane=PcaPlane(), resolution=9)
        race = Race(build("blobs-tanh"), [probe(spec, late=late)])
        work = start_probe(spec, race.problem, race.book, race.view(4))
        assert len(tiles(advance(work, 2))) == 1
        start_probe(spec, race.problem, race.book, race.view(20))
        rest = list(work)
        assert [tile.final for tile in tiles(rest)][-1:] == ([True] if whole else [])


def test_a_coarse_surface_of_an_outgrown_plane_ends_so_that_the_next_can_begin() -> None:
    spec = Surface(plane=PcaPlane(), resolution=9)
    race = Race(build("blobs-tanh"), [probe(spec, late="skip")])
    work = start_probe(spec, race.problem, race.book, race.view(4))
    advance(work, 1)
    list(race.book.follow(race.view(8)))
    assert [tile.level for tile in tiles(list(work))] == [5]


def test_closing_early_leaves_valid_events() -> None:
    spec = Surface(plane=PcaPlane(), resolution=9)
    race = Race(build("blobs-tanh"), [probe(spec)])
    work = start_probe(spec, race.problem, race.book, race.view(4))
    events = advance(work, 2)
    work.close()  # type: ignore[attr-defined]
    assert [event.kind for event in events] == ["plane", "surface_tile"]  # type: ignore[attr-defined]
    assert list(work) == []


def test_no_moment_is_written_to() -> None:
    race = Race(build("digits-tanh"), [probe(PCA), probe(PCA_TRAIL)])
    before = [moment.params_P.clone() for path in race.paths for moment in path.moments]
    race.play()
    after = [moment.params_P for path in race.paths for moment in path.moments]
    assert all(torch.equal(was, now) for was, now in zip(before, after, strict=True))
