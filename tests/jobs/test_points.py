"""Points of requests, from the request's fields to the moments that a worker finds there."""

from collections.abc import Iterator
from typing import Any

import pytest

from backend.jobs.errors import InvalidRequest
from backend.jobs.feed import Feed
from backend.jobs.inline import InlineEngine
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore
from backend.jobs.store import EventFilter
from backend.schemas.events import Envelope, Progress, Started
from backend.schemas.point import InitPoint, PlanePoint, RunPoint
from backend.schemas.problem import FunctionProblem
from backend.schemas.problem.function import HimmelblauFunction, QuadraticFunction
from backend.schemas.run import AnalyseRequest, AnyRequest, Lane, Run
from tests.jobs.scripted import WORKSHOP
from tests.jobs.sinks import script

PATIENCE = 60.0
LANES = (Lane(name="b"), Lane(name="a"))
START = [-1.2000000476837158, 1.0]  # Rosenbrock's, in float32


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("data")
    store = SqliteStore(":memory:")
    opened = Service(store, InlineEngine(WORKSHOP, threads=1), Feed(store), folder)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def kept(service: Service) -> Run:
    """A run of lanes b and a that has kept steps 0 … 5, a checkpoint at 5, and the plane abc123."""
    return play(service, script("keep 6", lanes=LANES))


def play(service: Service, request: AnyRequest) -> Run:
    return service.wait(service.submit(request).id, PATIENCE)


def look(service: Service, **fields: Any) -> tuple[Run, list[tuple[str, int, int]], Started]:
    """Ask what lies at points: parameters, step and number of paths of each."""
    run = play(service, AnalyseRequest(name="points", **fields))
    events = [Envelope.decode(row.text).event for row in service.events(run.id, EventFilter())[0]]
    found = [(event.phase, event.done, event.total) for event in events if isinstance(event, Progress)]
    (started,) = [event for event in events if isinstance(event, Started)]
    return run, found, started


def moved(by: float) -> str:
    return f"{[START[0] + by, START[1] + by]}"


def test_the_nearest_kept_step_is_taken_and_said(service: Service, kept: Run) -> None:
    points = (RunPoint(run=kept.id, lane="a", step=99), RunPoint(run=kept.id, lane="b", step=2))
    run, found, started = look(service, at=points)
    assert [(step, paths) for _, step, paths in found] == [(5, 1), (2, 1)]
    assert [(point.lane, point.step) for point in started.points] == [("a", 5), ("b", 2)]
    assert run.parent == kept.id


def test_no_lane_is_every_lane_at_the_first_ones_last_step(service: Service, kept: Run) -> None:
    _, [(_, step, paths)], started = look(service, at=(RunPoint(run=kept.id),))
    assert (step, paths) == (5, 2)
    assert (started.points[0].lane, started.points[0].step) == (None, 5)


def test_a_place_on_a_plane_is_origin_plus_both_directions(service: Service, kept: Run) -> None:
    _, [(where, step, paths)], _ = look(service, at=(PlanePoint(run=kept.id, plane="abc123", a=0.5, b=-2.0),))
    found = [float(number) for number in where.strip("[]").split(",")]
    assert found == pytest.approx([START[0] + 0.5 - 4.0, START[1] + 0.5 - 4.0])
    assert (step, paths) == (0, 0)


def test_an_initial_point_has_its_own_start(service: Service) -> None:
    problem = FunctionProblem(function=QuadraticFunction(start=(3.0, 4.0)))
    run, found, _ = look(service, at=(InitPoint(init=problem),))
    assert found == [("[3.0, 4.0]", 0, 0)]
    assert run.parent is None


def test_without_points_the_problems_initial_point_is_taken(service: Service) -> None:
    _, found, started = look(service, problem=FunctionProblem())
    assert found == [(f"{START}", 0, 0)]
    assert started.points[0].step == 0


def test_points_of_an_analysis_lead_back_to_the_race(service: Service, kept: Run) -> None:
    analysis = play(service, AnalyseRequest(name="keep 1", at=(RunPoint(run=kept.id, lane="b", step=1),)))
    assert analysis.status == "succeeded"
    run, found, _ = look(service, at=(PlanePoint(run=analysis.id, plane="abc123"),))
    assert (run.status, len(found)) == ("succeeded", 1)


def test_a_fork_starts_at_the_point_and_a_resume_has_the_states(service: Service, kept: Run) -> None:
    for resume, told in ((False, ["[", "5"]), (True, ["[", "b [", "a ["])):
        request = script("points", lanes=LANES, origin=RunPoint(run=kept.id, lane="b", step=5), resume=resume)
        run = play(service, request)
        assert run.parent == kept.id
        events = [Envelope.decode(row.text).event for row in service.events(run.id, EventFilter())[0]]
        phases = [event.phase for event in events if isinstance(event, Progress)]
        assert [phase[: len(start)] for phase, start in zip(phases, told, strict=False)] == told[: len(phases)]
        assert len(phases) == (3 if resume else 1)


@pytest.mark.parametrize(
    ("point", "path", "words"),
    [
        ({"run": "0" * 15}, "at.0.run", "there is no run"),
        ({"run": "kept", "lane": "c"}, "at.0.lane", "expected one of b, a; got 'c'"),
        ({"run": "kept", "lane": "a", "repeat": 3}, "at.0.repeat", "expected one of [0], got 3"),
        ({"run": "kept", "plane": "fff"}, "at.0.plane", "has kept no plane"),
        ({"run": "kept", "plane": "../planes/abc123"}, "at.0.plane", "has kept no plane"),
    ],
)
def test_a_point_that_is_not_there_names_its_field(
    service: Service, kept: Run, point: dict[str, Any], path: str, words: str
) -> None:
    point = {**point, "run": kept.id if point["run"] == "kept" else point["run"]}
    before = service.page()[0]
    with pytest.raises(InvalidRequest) as refused:
        service.submit(AnalyseRequest.model_validate({"at": (point,)}))
    (fault,) = refused.value.detail.errors
    assert fault.path == path
    assert words in fault.message
    assert service.page()[0] == before, "nothing is stored"


def test_a_run_that_kept_nothing_has_no_points(service: Service) -> None:
    empty = play(service, script("numbers 1"))
    with pytest.raises(InvalidRequest, match="no snapshots"):
        service.submit(AnalyseRequest(at=(RunPoint(run=empty.id),)))


def test_a_point_of_another_problem_is_unsupported(service: Service, kept: Run) -> None:
    three = FunctionProblem(function=QuadraticFunction(start=(1.0, 2.0, 3.0)))
    run = play(service, AnalyseRequest(name="points", problem=three, at=(RunPoint(run=kept.id),)))
    assert run.error is not None
    assert run.error.code == "unsupported"
    assert "3 parameters" in run.error.message
    same_size = FunctionProblem(function=HimmelblauFunction())
    assert look(service, problem=same_size, at=(RunPoint(run=kept.id),))[0].status == "succeeded"


def test_a_diverged_point_is_not_finite(service: Service) -> None:
    far = play(service, script("keep_nan 1"))
    run = play(service, AnalyseRequest(name="points", at=(RunPoint(run=far.id),)))
    assert run.error is not None
    assert run.error.code == "not_finite"


def test_points_of_different_networks_are_refused(service: Service) -> None:
    def point(**model: Any) -> InitPoint:
        return InitPoint.model_validate({"init": {"data": {"kind": "moons"}, "model": {"kind": "mlp", **model}}})

    same = (point(hidden=(3,)), point(hidden=(3,), init_gain=2.0))
    assert look(service, at=same)[0].status == "succeeded"
    for other in (point(hidden=(4,)), point(hidden=(3,), activation="relu"), InitPoint(init=FunctionProblem())):
        with pytest.raises(InvalidRequest, match=r"at\.1: expected a point of the same architecture"):
            look(service, at=(same[0], other))
