"""SmoothGrad, integrated gradients and Grad-CAM of 16 pictures: captum and ours.

A small convolutional net on digits of 32×32, single precision, after 50 steps of training; the class of each digit is
explained. SmoothGrad takes 50 draws, integrated gradients 50 points of Gauss–Legendre quadrature. captum is asked in
two ways, all draws or points in one pass (its default) and in passes of 128 pictures, and the faster one counts. Before
anything is timed both sides' maps are compared in double precision; for SmoothGrad captum is handed our noise.
"""

import argparse
import statistics
from collections.abc import Callable
from typing import Final
from unittest import mock

import torch
from torch import Tensor

from backend.core.analyses.base import Moment
from backend.core.problems.problem import Data, Problem
from backend.core.runtime.seeding import generator
from backend.core.saliency.explained import Explained, drawn
from backend.core.saliency.methods import Setting, estimates
from backend.jobs.machine import cores
from backend.schemas.analysis.saliency import Method, SaliencyAnalysis
from benchmarks.gradient_sides import front, module_of, problem_of, trained
from benchmarks.peers import find_peers
from benchmarks.record import faster, in_turn, write

PICTURES: Final = 16
DRAWS: Final = 50
LEVEL: Final = 0.15
TOGETHER: Final = 128  # pictures in a pass, where captum is asked for passes
CLOSE: Final = 1e-6  # of the maps, relative to the largest value
GOAL: Final = 1.0
NAMES: Final[dict[Method, str]] = {
    "smoothgrad": f"SmoothGrad {DRAWS}",
    "integrated_gradients": f"integrated gradients {DRAWS}",
    "grad_cam": "Grad-CAM",
}
SPEC: Final = SaliencyAnalysis(samples=DRAWS, level=LEVEL, layer=-1)


class Sides:
    """Both of them, at one point."""

    def __init__(self, params_P: Tensor, problem: Problem, seed: int) -> None:
        self._problem, self._seed = problem, seed
        self.data: Data = front(problem, PICTURES)
        low, high = (self.data.x.flatten(1).quantile(q, 1)[:, None, None, None] for q in (0.0, 1.0))
        self.x = (self.data.x - low) / (high - low)  # captum knows one σ for all, so that all have one range
        self._net = module_of(params_P)
        self._score = Explained(problem, Moment(0, params_P, torch.empty(0))).score(self.data.y)
        self._base = torch.zeros_like(self.x[:1])

    def ours(self, method: Method) -> Tensor:
        """All estimates, as the page is shown them; the last counts."""
        setting = Setting(SPEC, self._base, self.x, generator(self._seed, method))
        *_, found = estimates(method, self._score, self.x, setting)
        return found.map

    def captum(self, method: Method, together: int | None) -> Tensor:
        """Captum's map; ``together`` pictures in a pass."""
        from captum import attr

        x, y = self.x.clone().requires_grad_(), self.data.y
        found: Tensor
        if method == "smoothgrad":
            tunnel = attr.NoiseTunnel(attr.Saliency(self._net))
            each = None if together is None else together // PICTURES
            found = tunnel.attribute(
                x, "smoothgrad", DRAWS, each, LEVEL, draw_baseline_from_distrib=False, target=y, abs=False
            )
        elif method == "integrated_gradients":
            found = attr.IntegratedGradients(self._net).attribute(
                x, self._base, y, n_steps=DRAWS, method="gausslegendre", internal_batch_size=together
            )
        else:
            cam = attr.LayerGradCam(self._net, self._net[4]).attribute(x, y, relu_attributions=True)
            found = attr.LayerAttribution.interpolate(cam, x.shape[2:], "bilinear")[:, 0]
        return found.detach()

    def with_our_noise(self) -> Tensor:
        """Captum's SmoothGrad with the noise that ours draws: an example's draws side by side."""
        noise = drawn(DRAWS, self.x, generator(self._seed, "smoothgrad")).transpose(0, 1).flatten(0, 1)
        with mock.patch("torch.normal", lambda mean, stdev: noise * stdev):
            return self.captum("smoothgrad", None)


def verify(params_P: Tensor, seed: int) -> dict[str, float]:
    """Compare both sides' maps in double precision.

    Returns:
        The largest difference by method, relative to the largest value.

    Raises:
        RuntimeError: where a map is further off than 10⁻⁶.
    """
    sides = Sides(params_P.double(), problem_of(torch.float64), seed)
    found: dict[str, float] = {}
    for method in NAMES:
        own = sides.ours(method)
        peer = sides.with_our_noise() if method == "smoothgrad" else sides.captum(method, None)
        found[method] = float((own - peer).abs().max() / peer.abs().max())
    if not all(worst <= CLOSE for worst in found.values()):
        raise RuntimeError(f"expected the same maps within {CLOSE}, got differences of {found}")
    return found


def sides_of(sides: Sides, method: Method) -> dict[str, Callable[[], object]]:
    """Name what is timed for a method."""
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: sides.ours(method),
        "captum": lambda: sides.captum(method, None),
    }
    if method != "grad_cam":
        ways["captum in passes"] = lambda: sides.captum(method, TOGETHER)
    return ways


def main() -> None:
    """Verify, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15, help="timed runs of each side (default %(default)s)")
    parser.add_argument("--steps", type=int, default=50, help="of training beforehand (default %(default)s)")
    parser.add_argument("--threads", type=int, default=cores(), help="of all sides (default: all cores)")
    asked = parser.parse_args()

    peers = find_peers("captum")
    torch.set_num_threads(asked.threads)
    problem = problem_of(torch.float32)
    params_P = trained(problem, 0, asked.steps)
    differences = verify(params_P, 0)
    sides, figures = Sides(params_P, problem, 0), []
    for method, name in NAMES.items():
        ways = sides_of(sides, method)
        samples = in_turn(ways, asked.repeats)
        print({way: round(statistics.median(seconds), 4) for way, seconds in samples.items()})
        peer = [way for way in ways if way != "ours"]
        figures.append(faster(f"{name} on {PICTURES} pictures of 32×32, against captum", samples, "ours", peer, GOAL))
    write("saliency", "Saliency", figures, threads=asked.threads, peers=peers, differences=differences)


if __name__ == "__main__":
    main()
