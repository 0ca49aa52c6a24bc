"""What the documentation says was measured of landscapes is what is recorded."""

import json
import statistics
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from benchmarks.studies.connectivity_width import RESULTS as WIDTHS
from benchmarks.studies.roughness_replication import RESULT as ROUGHNESS
from benchmarks.studies.surface_error import RESULT as ERRORS


def recorded(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


REPLICATION = recorded(ROUGHNESS)
KINDS = ("galerkin, midpoints", "galerkin, random", "ritz, midpoints", "ritz, random")


def test_a_surface_s_error_can_be_trusted() -> None:
    found = recorded(ERRORS)
    planes = found["planes"]
    settings = ("network", "plane", "normalization", "batchnorm", "step", "extent")
    assert len({tuple(plane[each] for each in settings) for plane in planes}) == len(planes) >= 20
    assert {plane["plane"] for plane in planes} == {"random", "pca", "eigen", "gradient_eigen", "three_points"}
    assert {plane["batchnorm"] for plane in planes} == {"frozen", "batch", "reestimated"}
    assert min(plane["share_within"] for plane in planes) >= 0.99
    assert found["summary"]["worst_ratio"] == max(plane["worst_ratio"] for plane in planes) < 1
    assert {one["function"]: one["share_within"] >= 0.99 for one in found["ripples"]} == {
        "rastrigin": True, "ackley": True,
    }  # fmt: skip


def test_barriers_fall_with_the_width_and_the_matched_one_faster() -> None:
    found = recorded(WIDTHS / "connectivity_width.json")
    summary = found["summary"]
    assert [row["width"] for row in summary] == [32, 64, 128, 256, 512]
    for narrow, wide in pairwise(summary):
        assert wide["linear"] < narrow["linear"]
        assert wide["matched"] < narrow["matched"]
        assert wide["ratio"] < narrow["ratio"]
    for row in summary:
        pairs = [pair["paths"] for pair in found["pairs"] if pair["width"] == row["width"]]
        assert len(pairs) == 3
        for path in ("linear", "matched"):
            assert row[path] == pytest.approx(statistics.mean(pair[path]["train"] for pair in pairs))
        assert row["ratio"] == pytest.approx(row["matched"] / row["linear"])
        assert all(pair["matched"]["train"] < pair["linear"]["train"] for pair in pairs)


def test_on_fixed_points_both_methods_reach_the_solution_and_ritz_does_not_on_random_ones() -> None:
    assert tuple(REPLICATION["results"]) == KINDS
    assert (REPLICATION["lr"], REPLICATION["steps"]) == (3e-3, 6000)
    after = {kind: [run["relative_l2"] for run in REPLICATION["results"][kind]["half"]] for kind in KINDS}
    assert {len(runs) for runs in after.values()} == {8}
    for kind in ("galerkin, midpoints", "ritz, midpoints", "galerkin, random"):
        assert max(after[kind]) < 0.01
    assert statistics.median(after["ritz, random"]) > 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_beside_each_index_stand_its_interval_the_error_and_the_gradient(kind: str) -> None:
    lengths = REPLICATION["results"][kind]["against_length"]
    assert [float(length) for length in lengths] == [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
    for runs in lengths.values():
        assert len(runs) == 8
        assert all(run["low"] < run["index"] < run["high"] for run in runs)
        assert all(run["relative_l2"] > 0 < run["grad_norm"] for run in runs)


def test_ritz_s_rougher_look_is_mostly_its_distance_from_the_minimum() -> None:
    def median(kind: str, length: str) -> float:
        return statistics.median(run["index"] for run in REPLICATION["results"][kind]["against_length"][length])

    for length in ("0.05", "0.1"):
        assert median("ritz, random", length) > 1.5 * median("galerkin, random", length)
        assert median("ritz, midpoints", length) < 1.15 * median("galerkin, midpoints", length)


@pytest.mark.parametrize("kind", ["galerkin, midpoints", "ritz, midpoints"])
def test_along_training_the_index_rises_then_falls(kind: str) -> None:
    course = REPLICATION["results"][kind]["along_training"]
    steps = sorted(course, key=int)
    for start in range(8):
        indices = [course[step][start]["index"] for step in steps]
        peak = max(range(len(indices)), key=indices.__getitem__)
        assert 0 < peak < len(indices) - 1
        assert indices[peak] > 3 * max(indices[-1], 0.01)
