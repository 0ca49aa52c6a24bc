"""Questions that a map must stand, put to a method on some examples.

Shapes: N examples, F… an input's own shape, P parameters, S steps.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from backend.core.analyses.base import TICK, Moment, Tick
from backend.core.problems.params import Layout
from backend.core.problems.problem import Data, Problem
from backend.core.runtime.seeding import generator
from backend.core.saliency import metrics
from backend.core.saliency.explained import Explained, Score
from backend.core.saliency.methods import UNSIGNED, Setting, estimates, picture
from backend.schemas.analysis.saliency import Method, SaliencyAnalysis

MULTIPLIED: Final[frozenset[Method]] = frozenset({"gradient_x_input", "integrated_gradients"})  # by input − baseline
Found = Generator[Tick, None, Tensor]


@dataclass(frozen=True, eq=False)
class Asked:
    """A method with its settings, put to examples of a problem at a moment.

    ``method`` None draws maps at random. The same random numbers are drawn at every call, so that only what is asked
    about changes.
    """

    problem: Problem
    moment: Moment
    method: Method | None
    spec: SaliencyAnalysis
    seed: int
    data: Data
    target_N: Tensor
    baseline: Tensor  # [1, F…]

    @property
    def score(self) -> Score:
        """f_c of the targets."""
        return Explained(self.problem, self.moment).score(self.target_N)

    def probability(self, x: Tensor) -> Tensor:
        """The targets' probabilities [N]; of a single output its logistic function."""
        out_NC = Explained(self.problem, self.moment).outputs(x)
        if out_NC.shape[1] == 1:
            return torch.sigmoid(out_NC[:, 0])
        return out_NC.softmax(1).gather(1, self.target_N.repeat(len(x) // len(self.target_N))[:, None])[:, 0]

    def raw(self, x: Tensor) -> Found:
        """Make the maps, as the method gives them.

        Yields:
            Ticks.

        Returns:
            Maps of the inputs' shape, or without their channels.
        """
        draw = generator(self.seed, "trust", self.method or "random")
        if self.method is None:
            return torch.randn(x.shape, generator=draw, dtype=x.dtype).to(x.device)
        maps = torch.empty(0)
        for estimate in estimates(self.method, self.score, x, self._setting(draw)):
            maps = estimate.map
            yield TICK
        return maps

    def sizes(self, x: Tensor) -> Found:
        """Make |map|, channels together: what all questions but those about sums rank or compare.

        Yields:
            Ticks.

        Returns:
            [N, H, W] or [N, features].
        """
        found = yield from self.raw(x)
        return picture(found, x, signed=self.method not in UNSIGNED).abs()

    def _setting(self, draw: torch.Generator) -> Setting:
        train = self.problem.train
        assert train is not None
        return Setting(self.spec, self.baseline, train.x, draw, self.problem.image)

    def at(self, moment: Moment) -> "Asked":
        """Return the same question at other parameters."""
        return replace(self, moment=moment)

    def of(self, target_N: Tensor) -> "Asked":
        """Return the same question about other outputs."""
        return replace(self, target_N=target_N)


def layer_spans(layout: Layout) -> list[tuple[str, int, int]]:
    """Return each layer's name, start and end in the flat vector: tensors whose names differ in the last part alone."""
    found: list[tuple[str, int, int]] = []
    for name, _, start, end in layout.slices:
        layer = name.rpartition(".")[0]
        if found and found[-1][0] == layer:
            found[-1] = (layer, found[-1][1], end)
        else:
            found.append((layer, start, end))
    return found


def randomised(asked: Asked) -> Generator[Tick, None, Tensor]:
    """Compare |map| with that of the same network with its layers redrawn, from the top, by rank correlation.

    A map that was multiplied by input − baseline is compared before that, where the two differ: the input's outline
    would make any two of them alike.

    Adebayo et al. 2018, Sanity checks for saliency maps.

    Yields:
        Ticks.

    Returns:
        [layers + 1, N], of which the first row is 1.
    """
    x, layout = asked.data.x, asked.problem.layout
    own = yield from asked.sizes(x)
    spans = [(start, end) for _, start, end in layer_spans(layout)]
    seed = int(torch.randint(2**31, (1,), generator=generator(asked.seed, "redrawn")))
    fresh_P, buffers_B = asked.problem.params0(seed)
    rows = [metrics.rank_correlation(own, own)]
    for number, params_P in enumerate(metrics.cascade(spans, asked.moment.params_P, fresh_P), start=1):
        buffers = buffers_B if number == len(spans) else asked.moment.buffers_B
        other = yield from asked.at(replace(asked.moment, params_P=params_P, buffers_B=buffers)).sizes(x)
        rows.append(_alike(asked, own, other))
    return torch.stack(rows)


def _alike(asked: Asked, own: Tensor, other: Tensor) -> Tensor:
    if asked.method not in MULTIPLIED:
        return metrics.rank_correlation(own, other)
    away = picture(asked.data.x - asked.baseline, asked.data.x, signed=True).abs()
    parts = []
    for one, two, by in zip(own, other, away, strict=True):
        there = by > 0
        parts.append(metrics.rank_correlation((one[there] / by[there])[None], (two[there] / by[there])[None])[0])
    return torch.stack(parts)


def other_class(asked: Asked, outputs: int) -> Generator[Tick, None, Tensor]:
    """Return Pearson's correlation of |map| with that of the next class [N]; 1 for a method that is blind to it."""
    own = yield from asked.sizes(asked.data.x)
    other = yield from asked.of((asked.target_N + 1) % outputs).sizes(asked.data.x)
    return metrics.correlation(own, other)


def removed(asked: Asked, steps: int, *, insert: bool) -> Generator[Tick, None, Tensor]:
    """Return the target's probability [S + 1, N] as the pixels of the largest |map| are removed, or shown, first."""
    found = yield from asked.sizes(asked.data.x)
    rows = []
    for row in metrics.curve(asked.probability, asked.data.x, asked.baseline, found, steps, insert=insert):
        rows.append(row)
        yield TICK
    return torch.stack(rows)


def gap(asked: Asked) -> Generator[Tick, None, Tensor]:
    """Return |Σ map − (f(x) − f(x'))| / max(|f(x) − f(x')|, 0.1) [N]."""
    found = yield from asked.raw(asked.data.x)
    with torch.no_grad():
        whole = asked.score(asked.data.x) - asked.score(asked.baseline.expand_as(asked.data.x))
    return (found.flatten(1).sum(1) - whole).abs() / whole.abs().clamp(min=0.1)


def infidelity(asked: Asked, radius: float, draws: int) -> Generator[Tick, None, Tensor]:
    """Return the infidelity of the maps over that of maps of zeros [N]: 0 foretells small changes, 1 tells nothing."""
    x = asked.data.x
    found = yield from asked.raw(x)
    level, score = radius * _range(x), asked.score
    parts = []
    for maps in (found, torch.zeros_like(x)):
        draw, total = generator(asked.seed, "infidelity"), torch.zeros(len(x), dtype=x.dtype, device=x.device)
        for _ in range(draws):
            total = total + metrics.infidelity(score, x, maps, level, 1, draw)
            yield TICK
        parts.append(total)
    return parts[0] / parts[1]


def sensitivity(asked: Asked, radius: float, draws: int) -> Generator[Tick, None, Tensor]:
    """Return the largest relative change of the map over draws of a small change of the input [N]."""
    x, draw = asked.data.x, generator(asked.seed, "sensitivity")
    own = (yield from asked.raw(x)).flatten(1)
    largest = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    for _ in range(draws):
        shift = radius * _range(x) * (2 * torch.rand(x.shape, generator=draw, dtype=x.dtype).to(x.device) - 1)
        away = ((yield from asked.raw(x + shift)).flatten(1) - own).norm(dim=1) / own.norm(dim=1)
        largest = torch.maximum(largest, away)
    return largest


def signal(asked: Asked) -> Generator[Tick, None, Tensor]:
    """Return the share of |map| that lies where the signal is known to be [N]."""
    inside = asked.data.inside
    assert inside is not None
    found = yield from asked.sizes(asked.data.x)
    return metrics.mass_within(found, inside if inside.dim() == found.dim() else inside[:, 0])


def _range(x: Tensor) -> float:
    return float((x.flatten(1).max(1).values - x.flatten(1).min(1).values).mean())


def retrained(
    asked: Asked, everything: Data, shares: Sequence[float], steps: int, batch: int = 128
) -> Generator[Tick, None, Tensor]:
    """Return DiffROAR at each share: the accuracy of a network retrained on the top pixels less that on the bottom's.

    The other pixels are the mean of the data, in training and in testing; both networks start from the same point and
    take the same batches (Adam, learning rate 0.003).

    Shah, Jain & Netrapalli 2021, Do input gradients highlight discriminative features?

    Args:
        asked: the method at the trained network, on the examples that are tested.
        everything: the training split.
        shares: of the pixels that stay.
        steps: of each retraining.
        batch: examples a step.

    Yields:
        Ticks.

    Returns:
        [shares].
    """
    fill = everything.x.mean(0, keepdim=True)
    maps = []
    for start in range(0, len(everything), batch):
        part = Data(everything.x[start : start + batch], everything.y[start : start + batch])
        maps.append(_full((yield from replace(asked, data=part, target_N=part.y).raw(part.x)), part.x))
    of_train = torch.cat(maps)
    of_test = _full((yield from asked.raw(asked.data.x)), asked.data.x)
    rows = []
    for share in shares:
        accuracy = []
        for top in (True, False):
            seen = Data(metrics.masked_by_rank(everything.x, of_train, share, fill, keep_top=top), everything.y)
            test = Data(metrics.masked_by_rank(asked.data.x, of_test, share, fill, keep_top=top), asked.data.y)
            params_P, buffers_B = yield from _train(asked.problem, seen, asked.seed, steps, batch)
            accuracy.append(asked.problem.accuracy(params_P, buffers_B, test) or 0.0)
        rows.append(accuracy[0] - accuracy[1])
    return torch.tensor(rows, dtype=torch.float64)


def _full(found: Tensor, x: Tensor) -> Tensor:
    """Give all channels of a pixel its value, where a map has none."""
    return found if found.dim() == x.dim() else found[:, None].expand_as(x)


def _train(
    problem: Problem, data: Data, seed: int, steps: int, batch: int
) -> Generator[Tick, None, tuple[Tensor, Tensor]]:
    params_P, buffers_B = problem.params0(seed)
    params_P = params_P.clone().requires_grad_()
    rule, draw = torch.optim.Adam([params_P], lr=0.003), generator(seed, "retraining")
    for _ in range(steps):
        rows = torch.randperm(len(data), generator=draw)[:batch].to(data.x.device)
        rule.zero_grad()
        with torch.enable_grad():
            problem.batch_loss(params_P, buffers_B, data.x[rows], data.y[rows]).backward()
        rule.step()
        yield TICK
    return params_P.detach(), buffers_B
