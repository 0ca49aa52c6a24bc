"""Statistics of single examples' gradients: BackPACK, a plain loop over examples, and ours.

A small convolutional net (two 3×3 convolutions of 8 and 16 channels, a dense layer; 11,498 parameters) on 256 digits of
32×32, cross-entropy, single precision, after 50 steps of training. Every side starts from the weights and the data and
ends with the mean and the variance of every parameter's gradient over the examples, the length of every example's
gradient, and the cosine of every two. BackPACK gives the gradients themselves (``BatchGrad``): the cosines need them.
Before anything is timed, each side's answers are compared in double precision.
"""

import argparse
import statistics
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from backend.core.analyses.base import Moment
from backend.core.gradients.coherence import cosines
from backend.core.gradients.gram import gram
from backend.core.gradients.moments import moments
from backend.core.gradients.per_sample import per_sample
from backend.core.problems.problem import Data, Problem
from backend.jobs.machine import cores
from benchmarks.gradient_sides import front, module_of, problem_of, trained
from benchmarks.peers import find_peers
from benchmarks.record import faster, in_turn, write

EXAMPLES: Final = 256
CLOSE: Final = 1e-10  # of every side's answers to the loop's, relative to the largest
GOAL: Final = 2.5
PEERS: Final = ("loop", "BackPACK")


class Answer(NamedTuple):
    """What every side finds."""

    mean_P: Tensor
    variance_P: Tensor
    length_N: Tensor
    cosine_NN: Tensor


class Sides:
    """The three of them, at one point."""

    def __init__(self, params_P: Tensor, problem: Problem) -> None:
        self._problem, self._params_P = problem, params_P
        self._data: Data = front(problem, EXAMPLES)
        self._net = module_of(params_P)

    def ours(self) -> Answer:
        """Layer by layer, each layer's gradients let go when they have been read."""
        means, variances = [], []
        gram_NN = torch.zeros(EXAMPLES, EXAMPLES, dtype=self._params_P.dtype)
        for part in per_sample(self._problem, Moment(0, self._params_P, torch.empty(0)), self._data):
            mean_p, variance_p = moments(part)
            means.append(mean_p)
            variances.append(variance_p)
            gram_NN += gram(part)
        return Answer(torch.cat(means), torch.cat(variances), gram_NN.diagonal().sqrt(), cosines(gram_NN))

    def loop(self) -> Answer:
        """One backward pass an example."""
        rows = []
        for x, y in zip(self._data.x, self._data.y, strict=True):
            loss = nn.functional.cross_entropy(self._net(x[None]), y[None])
            rows.append(torch.cat([part.flatten() for part in torch.autograd.grad(loss, list(self._net.parameters()))]))
        return _answer(torch.stack(rows))

    def backpack(self) -> Answer:
        """BackPACK's gradients of single examples."""
        from backpack import backpack, extend
        from backpack.extensions import BatchGrad

        net, loss = extend(module_of(self._params_P)), extend(nn.CrossEntropyLoss(reduction="sum"))
        with backpack(BatchGrad()):
            loss(net(self._data.x), self._data.y).backward()
        return _answer(torch.cat([parameter.grad_batch.flatten(1) for parameter in net.parameters()], 1))


def _answer(grad_NP: Tensor) -> Answer:
    mean_P = grad_NP.mean(0)
    variance_P = (grad_NP - mean_P).pow_(2).mean(0)  # a quarter of the time that torch.var_mean takes along this axis
    gram_NN = grad_NP @ grad_NP.T
    length_N = gram_NN.diagonal().sqrt()
    return Answer(mean_P, variance_P, length_N, gram_NN / (length_N[:, None] * length_N[None, :]))


def verify(params_P: Tensor) -> dict[str, float]:
    """Compare the sides' answers in double precision; cosines times the lengths, since some gradients are next to 0.

    Returns:
        The largest difference from the loop's by side, relative to the largest value.

    Raises:
        RuntimeError: where a side is further off than 10⁻¹⁰.
    """
    sides = Sides(params_P.double(), problem_of(torch.float64))
    exact = _comparable(sides.loop())
    found = {}
    for name, side in (("ours", sides.ours), ("BackPACK", sides.backpack)):
        pairs = zip(_comparable(side()), exact, strict=True)
        found[name] = max(float((own - true).abs().max() / true.abs().max()) for own, true in pairs)
    if not all(worst <= CLOSE for worst in found.values()):
        raise RuntimeError(f"expected the same statistics within {CLOSE}, got differences of {found}")
    return found


def _comparable(answer: Answer) -> tuple[Tensor, ...]:
    length_N = answer.length_N
    return *answer[:3], answer.cosine_NN * length_N[:, None] * length_N[None, :]


def main() -> None:
    """Verify, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15, help="timed runs of each side (default %(default)s)")
    parser.add_argument("--steps", type=int, default=50, help="of training beforehand (default %(default)s)")
    parser.add_argument("--threads", type=int, default=cores(), help="of all sides (default: all cores)")
    asked = parser.parse_args()

    peers = find_peers("backpack-for-pytorch")
    torch.set_num_threads(asked.threads)
    problem = problem_of(torch.float32)
    params_P = trained(problem, 0, asked.steps)
    differences = verify(params_P)
    sides = Sides(params_P, problem)
    samples = in_turn({"ours": sides.ours, "loop": sides.loop, "BackPACK": sides.backpack}, asked.repeats)
    print({name: round(statistics.median(seconds), 4) for name, seconds in samples.items()})
    what = f"statistics of {EXAMPLES} examples' gradients, small CNN, against BackPACK and a loop"
    figure = faster(what, samples, "ours", PEERS, GOAL)
    write("per_sample", "Gradients of examples", [figure], threads=asked.threads, peers=peers, differences=differences)


if __name__ == "__main__":
    main()
