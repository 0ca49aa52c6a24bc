"""Whole 33×33 planes, and the time to a picture that can be trusted, against a loop in place and loss-landscapes.

Our side is the analysis that the app runs, from its first tile to its last, in the same process. The loop is what a
person would write with plain PyTorch: the model's weights overwritten at every point, all examples in one pass.
loss-landscapes evaluates every other column one step further on; its values are compared at the points it evaluates.
"""

import argparse
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from backend.core.analyses.base import Moment
from backend.core.analyses.surface import draw_surface
from backend.core.geometry.fit import fit_plane
from backend.core.problems.build import build_splits
from backend.jobs.machine import cores
from backend.schemas.analysis import RandomPlane, SurfaceAnalysis
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.model import CnnModel, MlpModel
from benchmarks.peers import find_peers
from benchmarks.picture import drawn
from benchmarks.plane_sides import RESOLUTION, Case, Contest, Matrix, enlarged, problem_of, verify
from benchmarks.record import Figure, faster, in_turn, write

WITHIN: Final = 0.02  # of the range
LARGE: Final = 1_000_000  # parameters, at least, of the network whose memory is measured

CASES: Final = (
    Case("MLP 784-128-10, 4,096 examples", MlpModel(hidden=(128,), activation="relu"), True, 15.0),
    Case("small CNN on digits", CnnModel(channels=(8, 16)), False, 1.3),
    Case("tanh MLP 64-128-128-10 on digits", MlpModel(hidden=(128, 128), activation="tanh"), False, 1.5),
    Case("ReLU MLP 64-128-128-10 on digits", MlpModel(hidden=(128, 128), activation="relu"), False, 1.2),
)
PICTURES: Final = CASES[:1]


def seconds_to_trust(contest: Contest, whole: Matrix) -> float:
    """Time until the picture says that it is within 2 % of the range, and check that every cell is.

    Raises:
        RuntimeError: where it never says so, or a cell is not.
    """
    began, tiles = time.perf_counter(), []
    for tile in contest.tiles(RESOLUTION):
        tiles.append(tile)
        if (tile.bound is not None and tile.bound <= WITHIN) or tile.final:
            seconds = time.perf_counter() - began
            off = float(np.abs(drawn(tiles) - whole).max() / np.ptp(whole))
            if off > WITHIN:
                raise RuntimeError(f"expected every cell within {WITHIN} of the range, got one that is {off} off")
            return seconds
    raise RuntimeError("expected a last tile, got none")


def megabytes() -> float:
    """Measure the memory that drawing a 65×65 surface takes at its peak, in a process of its own."""
    found = subprocess.run([sys.executable, "-m", "benchmarks.planes", "--memory"], check=True, capture_output=True)
    return float(found.stdout.split()[-1])


def draw_large() -> None:
    """Draw the surface, and print the process's peak in megabytes."""
    splits = enlarged(build_splits(DigitsData(examples=512)), 512, 0)
    problem = problem_of(MlpModel(hidden=(1000, 260)), splits, torch.float32)
    if problem.layout.size < LARGE:
        raise RuntimeError(f"expected at least {LARGE} parameters, got {problem.layout.size}")
    plane = fit_plane(RandomPlane(), problem, Moment(0, *problem.params0(0)), (), 0)
    if plane is not None:
        list(draw_surface(problem, plane, SurfaceAnalysis(resolution=65), tune=True))
    # Linux's own account of this process: getrusage's peak begins at what the parent had when it forked.
    kilobytes = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    print(int(kilobytes[1]) / 1024 if kilobytes else float("nan"))


def measured(asked: argparse.Namespace) -> tuple[list[Figure], dict[str, Any]]:
    """Run all cases.

    Returns:
        The figures, and the largest difference of the sides' surfaces by case.
    """
    figures, differences = [], {}
    for case in CASES:
        contest = Contest(case, asked.seed)
        differences[case.name] = verify(contest)
        sides: dict[str, Callable[[], object]] = {
            "ours": contest.ours,
            "loop": contest.loop,
            "loss-landscapes": contest.loss_landscapes,
        }
        if case in PICTURES:
            whole = contest.loop()
            sides["ours, until within 2 %"] = partial(seconds_to_trust, contest, whole)
        samples = in_turn(sides, asked.repeats)
        print(case.name, {name: round(statistics.median(values), 3) for name, values in samples.items()})
        what = f"33×33 plane, {case.name}, against the faster of a loop in place and loss-landscapes"
        figures.append(faster(what, samples, "ours", ("loop", "loss-landscapes"), case.goal))
        if case in PICTURES:
            what = f"until every cell of 33×33 is within 2 % of the range and it says so, {case.name}, against the loop"
            figures.append(faster(what, samples, "ours, until within 2 %", ("loop",), 8.0))
    return figures, differences


def main() -> None:
    """Verify, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=3, help="timed runs of each side (default %(default)s)")
    parser.add_argument("--threads", type=int, default=cores(), help="of all sides (default: all cores)")
    parser.add_argument("--seed", type=int, default=0, help="of weights, batches, noise and planes")
    parser.add_argument("--memory", action="store_true", help="only draw the large surface and print its peak memory")
    asked = parser.parse_args()

    torch.set_num_threads(asked.threads)
    if asked.memory:
        draw_large()
        return
    peers = find_peers("loss-landscapes")
    figures, differences = measured(asked)
    peak = megabytes()
    what = "peak memory of a process that draws a 65×65 surface of an MLP with 1.05 million parameters"
    figures.append(Figure(what, peak, "MB", 1000.0, {"MB": [peak]}))
    write(
        "planes", "Planes, and the time to a picture", figures,
        seed=asked.seed, threads=asked.threads, largest_difference=differences, peers=peers,
    )  # fmt: skip


if __name__ == "__main__":
    main()
