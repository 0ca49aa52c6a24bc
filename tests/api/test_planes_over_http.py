"""Planes over HTTP: what is kept is found again, and every bad request for one gets its own sentence."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest
from real_lab import RealLab, real_service

from backend.jobs.snapshot_files import read_moments, write_segment
from backend.schemas.events import EVENT

NET = {"data": {"kind": "moons", "examples": 40}, "model": {"kind": "mlp", "hidden": [4]}}
WIDER = {"data": {"kind": "moons", "examples": 40}, "model": {"kind": "mlp", "hidden": [5]}}
LANES = [
    {"name": "SGD", "optimizer": {"kind": "sgd", "lr": 0.5}},
    {"name": "Adam", "optimizer": {"kind": "adam", "lr": 0.05}},
]


class Lab(RealLab):
    """The lab of this file's races."""

    def train(self, problem: dict[str, Any] = NET, **more: Any) -> dict[str, Any]:
        return self.play({"kind": "train", "problem": problem, "steps": 12, "tune": False, "lanes": LANES, **more})


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    service = real_service(tmp_path_factory.mktemp("data"))
    yield Lab(service)
    service.close()


@pytest.fixture(scope="module")
def race(lab: Lab) -> str:
    return str(lab.train()["id"])


def surface(plane: dict[str, Any], *at: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"kind": "analyse", "at": list(at), "analysis": {"kind": "surface", "plane": plane, "resolution": 5, **more}}


@pytest.mark.parametrize("kind", ["random", "pca", "eigen", "gradient_eigen"])
def test_every_kind_is_drawn_at_a_stored_moment(lab: Lab, race: str, kind: str) -> None:
    points = [{"run": race, "lane": lane} for lane in ("SGD", "Adam")]
    run = lab.play(surface({"kind": kind}, *points, paths=True))
    (plane,) = lab.events(run["id"], "plane")
    assert plane["kind_of_plane"] == kind
    assert {event["point"] for event in lab.events(run["id"], "path_points")} == {0, 1}
    assert lab.events(run["id"], "surface_tile")[-1]["final"]


def test_three_points_of_two_runs_span_a_plane(lab: Lab, race: str) -> None:
    other = lab.train(seed=1)["id"]
    points = [{"run": race, "lane": "SGD"}, {"run": race, "lane": "Adam"}, {"run": other, "lane": "SGD"}]
    run = lab.play(surface({"kind": "three_points"}, *points))
    (plane,) = lab.events(run["id"], "plane")
    assert plane["axis_b"]["label"] == "towards the third"


def test_paths_of_several_runs_lie_on_one_kept_plane(lab: Lab, race: str) -> None:
    drawn = lab.play(surface({"kind": "random"}, {"run": race, "lane": "SGD"}))
    plane = lab.events(drawn["id"], "plane")[0]["plane"]
    other = lab.train(seed=1)["id"]
    kept = {"kind": "kept", "run": drawn["id"], "plane": plane}
    asked = {"kind": "trajectory", "plane": kept}
    run = lab.play({"kind": "analyse", "at": [{"run": race}, {"run": other}], "analysis": asked})
    assert [event["plane"] for event in lab.events(run["id"], "plane")] == [plane]
    paths = lab.events(run["id"], "path_points")
    assert {(event["point"], event["lane"]) for event in paths} == {(p, n) for p in (0, 1) for n in ("SGD", "Adam")}
    assert {event["plane"] for event in paths} == {plane}


def test_a_slice_is_a_file_of_its_points(lab: Lab, race: str) -> None:
    line = {"kind": "random", "directions": 3}
    asked = {"kind": "slice", "line": line, "resolution": 9, "low": -0.5, "high": 0.5}
    run = lab.play({"kind": "analyse", "at": [{"run": race, "lane": n} for n in ("SGD", "Adam")], "analysis": asked})
    _, head, *rows = lab.ask("GET", f"/api/runs/{run['id']}/export?format=csv").text.splitlines()
    assert head == "lane,repeat,point,line,t,loss,stderr"
    assert len(rows) == 2 * 9
    table = [next(csv.reader([row])) for row in rows]
    assert [row[0] for row in table] == ["SGD"] * 9 + ["Adam"] * 9
    assert [float(row[4]) for row in table[:9]] == [k / 8 - 0.5 for k in range(9)]
    kept = np.load(io.BytesIO(lab.ask("GET", f"/api/runs/{run['id']}/export?format=npz").content))
    (name,) = {name for name in kept if name.startswith("profile/1/") and name.endswith("/loss")}
    np.testing.assert_allclose(kept[name], [float(row[5]) for row in table[9:]])


def test_paths_of_lanes_with_one_name_stay_apart_in_a_file(lab: Lab, race: str) -> None:
    other = lab.train(seed=1)["id"]
    points = [{"run": run, "lane": "SGD"} for run in (race, other)]
    run = lab.play(surface({"kind": "pca"}, *points, paths=True))
    kept = np.load(io.BytesIO(lab.ask("GET", f"/api/runs/{run['id']}/export?format=npz").content))
    steps = [kept[name] for name in kept if name.startswith("path/") and name.endswith("SGD/0/step")]
    assert [len(each) for each in steps] == [13, 13]


ORIGINS: dict[str, Callable[[str, str, str], dict[str, Any]]] = {
    "of a run": lambda race, drawn, plane: {"run": race, "lane": "Adam", "step": 6},
    "initial": lambda race, drawn, plane: {"init": NET, "seed": 5},
    "on a plane": lambda race, drawn, plane: {"run": drawn, "plane": plane, "a": 0.25, "b": -0.5},
    "named": lambda race, drawn, plane: {"checkpoint": f"{race}/Adam/6"},
}


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_race_from_any_origin_joins_a_kept_plane(lab: Lab, race: str, origin: str) -> None:
    drawn = lab.play(surface({"kind": "random"}, {"run": race, "lane": "SGD"}))["id"]
    plane = lab.events(drawn, "plane")[0]["plane"]
    kept = {"kind": "kept", "run": drawn, "plane": plane}
    probes = [{"every": 4, "analysis": {"kind": kind, "plane": kept}} for kind in ("surface", "trajectory")]
    place = ORIGINS[origin](race, drawn, plane)
    ball = lab.train(origin=place, probes=probes, lanes=LANES[:1])
    assert ball["parent"] == (race if "checkpoint" in place else place.get("run"))
    assert {event["plane"] for kind in ("plane", "path_points") for event in lab.events(ball["id"], kind)} == {plane}
    if "plane" in place:
        first = lab.events(ball["id"], "path_points")[0]
        path: Any = EVENT.validate_json(json.dumps(first))
        assert (path.step[0], path.a[0], path.b[0]) == (0, pytest.approx(0.25), pytest.approx(-0.5))
        assert path.off_plane[0] == pytest.approx(0, abs=1e-5)


def test_a_moment_has_a_name_wherever_a_point_is_taken(lab: Lab, race: str) -> None:
    named, told = {"checkpoint": f"{race}/SGD/last"}, {"run": race, "lane": "SGD", "step": 12}
    tiles = []
    for point in (named, told):
        run = lab.play(surface({"kind": "random"}, point))
        (about,) = lab.events(run["id"], "started")
        assert about["points"][0] == {**about["points"][0], **told}
        tiles.append([tile["loss"] for tile in lab.events(run["id"], "surface_tile")])
    assert tiles[0] == tiles[1]
    for name, path, message in (
        ("best", "at.0.checkpoint", "there is no checkpoint 'best'"),
        (f"{'0' * 15}/SGD/3", "at.0.run", "there is no run"),
        (f"{race}/Lion/3", "at.0.lane", "expected one of SGD, Adam"),
    ):
        found = refused(lab.post(surface({"kind": "random"}, {"checkpoint": name})))
        assert found[0] == path
        assert message in found[1]


def refused(answer: httpx.Response) -> tuple[str, str]:
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["error"]["errors"]
    return error["path"], error["message"]


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "no extent": ({"extent": 0}, "analysis.extent", "greater than 0, got 0"),
    "even": ({"resolution": 32}, "analysis.resolution", "5, 9, 17, 33, 65 or 129, got 32"),
    "huge": ({"resolution": 100_001}, "analysis.resolution", "5, 9, 17, 33, 65 or 129, got 100001"),
    "unknown plane": ({"plane": {"kind": "flat"}}, "analysis.plane", "'flat'"),
    "unknown normalization": (
        {"plane": {"kind": "random", "normalization": "row"}}, "analysis.plane.normalization", "'filter', 'layer' or"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_surface_is_refused_with_its_field(lab: Lab, race: str, case: str) -> None:
    changes, path, message = BAD[case]
    found = refused(lab.post(surface(changes.pop("plane", {"kind": "random"}), {"run": race}, **changes)))
    assert found[0].startswith(path)
    assert message in found[1]


def test_points_and_planes_that_are_not_there_are_refused(lab: Lab, race: str) -> None:
    kept = {"kind": "kept", "run": race, "plane": "abc"}
    assert refused(lab.post(surface(kept, {"run": race}))) == (
        "analysis.plane.plane", f"run {race} has kept no plane 'abc'"
    )  # fmt: skip
    nowhere = {**kept, "run": "0" * 15}
    assert refused(lab.post(surface(nowhere, {"run": race})))[0] == "analysis.plane.run"
    found = refused(lab.post(surface({"kind": "three_points"}, {"run": race}, {"run": race})))
    assert "three points in at, got 2" in found[1]
    probe = {"analysis": {"kind": "surface", "plane": {"kind": "eigen"}}}
    found = refused(lab.post({"kind": "train", "problem": NET, "probes": [probe]}))
    assert "a plane that a running race can lay (random, pca, coordinates, kept), got eigen" in found[1]
    assert "does not fit between two steps, so ask for it with an analysis of the run" in found[1]


def bowl(*start: float) -> dict[str, Any]:
    return {"function": {"kind": "quadratic", "start": list(start)}}


SPANLESS = [
    ((0.0, 0.0), "first direction of this plane is zero"),
    ((0.0, 1.0), "two directions of this plane are parallel"),
]


@pytest.mark.parametrize(("start", "sentence"), SPANLESS)
def test_directions_that_span_nothing_end_the_run_with_a_sentence(
    lab: Lab, start: tuple[float, ...], sentence: str
) -> None:
    asked = {"kind": "surface", "plane": {"kind": "gradient_eigen"}}
    run = lab.play({"kind": "analyse", "problem": bowl(*start), "analysis": asked}, "failed")
    assert run["error"]["code"] == "unsupported"
    assert sentence in run["error"]["message"]
    (failed,) = lab.events(run["id"], "failed")
    assert failed["error"]["message"] == run["error"]["message"]


def test_points_that_coincide_end_the_run_with_a_sentence(lab: Lab, race: str) -> None:
    here = {"run": race, "lane": "SGD"}
    run = lab.play(surface({"kind": "three_points"}, here, here, {"run": race, "lane": "Adam"}), "failed")
    assert run["error"]["code"] == "unsupported"
    assert "lie on one line or coincide" in run["error"]["message"]
    between = {"kind": "slice", "line": {"kind": "between"}}
    run = lab.play({"kind": "analyse", "at": [here, here], "analysis": between}, "failed")
    assert run["error"]["code"] == "unsupported"
    assert "the same" in run["error"]["message"]


@pytest.fixture(scope="module")
def lost(lab: Lab) -> str:
    """A run with a lane of which NaN was kept."""
    run = str(lab.train()["id"])
    folder = lab.service.folder(run)
    (fine,) = read_moments(folder, "SGD", 0, [12])
    write_segment(folder, "000.009.000", "lost", 0, [replace(fine, params_P=fine.params_P * np.nan)])
    return run


PLANES = ["random", "pca", "eigen", "gradient_eigen", "coordinates", "three_points"]


@pytest.mark.parametrize("kind", PLANES)
def test_no_plane_through_nan(lab: Lab, lost: str, kind: str) -> None:
    nowhere = {"run": lost, "lane": "lost"}
    others = [{"run": lost, "lane": lane} for lane in ("SGD", "Adam")] if kind == "three_points" else []
    run = lab.play(surface({"kind": kind}, *others, nowhere), "failed")
    assert run["error"]["code"] == "not_finite"
    assert run["error"]["message"].startswith("the parameters at this point are not finite")
    assert run["error"]["where"] == f"at.{len(others)}"


@pytest.mark.parametrize("kind", ["slice", "connectivity", "roughness", "trajectory", "sharpness"])
def test_nothing_starts_at_nan(lab: Lab, lost: str, kind: str) -> None:
    points = [{"run": lost, "lane": lane} for lane in ("lost", "SGD")]
    run = lab.play({"kind": "analyse", "at": points, "analysis": {"kind": kind}}, "failed")
    assert (run["error"]["code"], run["error"]["where"]) == ("not_finite", "at.0")


@pytest.mark.parametrize("kind", ["surface", "connectivity", "slice", "trajectory"])
def test_points_of_different_architectures_are_refused(lab: Lab, race: str, kind: str) -> None:
    wider = lab.train(WIDER, steps=2)["id"]
    path, message = refused(
        lab.post({"kind": "analyse", "at": [{"run": race}, {"run": wider}], "analysis": {"kind": kind}})
    )
    assert path == "at.1"
    assert "same architecture as the first (mlp with activation tanh, hidden 4)" in message
