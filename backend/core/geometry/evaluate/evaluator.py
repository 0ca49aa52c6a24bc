"""The losses at many points of a span, as quickly as this machine can.

Shapes: K points, D directions, P parameters, B buffers.
"""

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from functools import partial
from time import perf_counter
from typing import Final, NamedTuple, TypeVar

import torch
from torch import Tensor

from backend.core.analyses.base import Tick
from backend.core.geometry.evaluate.arithmetic import Arithmetic, format_of
from backend.core.geometry.evaluate.blocks import Block, Blocks
from backend.core.geometry.evaluate.plan import Plan, pinned, work_of
from backend.core.geometry.evaluate.sample import Sample
from backend.core.geometry.evaluate.span import Span
from backend.core.geometry.evaluate.tally import Floats, Tally, empty, side_by_side, tally_of
from backend.core.geometry.evaluate.tuning import tuned
from backend.core.runtime.hands import hands, shared
from backend.core.runtime.memory import exhausted

PULSE: Final = 0.002  # seconds between two ticks, where the work between them is shorter
SHORTEST: Final = 8  # the last pieces are as many times shorter, so that no hand waits long for the others
LARGEST: Final = 1 << 30  # bytes of first layers, where all examples must be one block
Point = Sequence[float]  # coefficients [D]
ResultT = TypeVar("ResultT")


class Losses(NamedTuple):
    """Losses at K points, and their standard errors as estimates of those on all the data (None where unknown)."""

    loss_K: Floats
    stderr_K: Floats | None


class Measured(NamedTuple):
    """A loss, and its standard error as an estimate of the loss on all the data (None where it is not known)."""

    loss: float
    stderr: float | None


class Evaluator:
    """Evaluates the mean loss of a sample at points of a span, functionally and without gradients.

    A network's first layer is applied to the data once for the origin and once for each direction (see ``blocks``).
    The rest is evaluated in blocks of examples that stay in the cache: point by point, or many points under one vmap
    where that is quicker. Which is found by timing with ``tune``; without, it hangs on the problem alone, and a point
    has bit for bit the same loss whatever points are evaluated with it, and in whatever order. The other ways give
    the same to a rounding error. A value that is not finite is returned as it is. Losses are averaged in float64.

    Args:
        where: the examples, and BatchNorm's statistics.
        span: the points.
        tune: whether timing may choose the way.
        arithmetic: what is computed in instead of the problem's own number format.
        keep: whether what the first layer made is kept from one call to the next, where it is not too large.
    """

    def __init__(
        self, where: Sample, span: Span, *, tune: bool = False, arithmetic: Arithmetic = "own", keep: bool = True
    ) -> None:
        self._where, self._tune, self._keep = where, tune, keep
        self.format = format_of(arithmetic, where.problem)
        problem, data = where.problem, where.examples
        self.examples = 1 if data is None else len(data)
        blocks = None if problem.model is None or data is None else Blocks(where, problem.model, data, span, arithmetic)
        self._blocks = None if blocks is None or (where.mixed and blocks.bytes > LARGEST) else blocks
        self._span = span.to(torch.float64) if arithmetic == "float64" else span
        self._plan: Plan | None = None
        self._shrunk = False  # memory was not enough once; a second time is the end
        self._hands = hands(problem.device)

    @property
    def additive(self) -> bool:
        """Whether examples have losses of their own, so that those on some and on others add up."""
        return self._where.examples is not None and not self._where.mixed

    @property
    def products(self) -> int:
        """About how many multiplications a point takes: a weight's for every example, and for every pixel."""
        if self._blocks is None:
            return self.examples * self._span.origin_P.numel()
        pixels = math.prod(self._blocks.shape[1:])
        return self.examples * self._blocks.tail.origin_P.numel() * pixels

    def losses(self, points: Sequence[Point]) -> Generator[Tick, None, Losses]:
        """Evaluate points on the whole sample.

        Args:
            points: coefficients [K, D].

        Yields:
            Ticks, whose pieces add up to K.

        Returns:
            The losses, and standard errors where the sample is a part of the training split.
        """
        found = yield from self.tally(points)
        whole = self._where.problem.train
        known = self.additive and whole is not None
        return Losses(found.mean_K, found.stderr_K(len(whole)) if known and whole is not None else None)

    def tally(self, points: Sequence[Point], start: int = 0, stop: int | None = None) -> Generator[Tick, None, Tally]:
        """Evaluate points on the sample's examples from ``start`` to ``stop``; only where it is :attr:`additive`.

        Args:
            points: coefficients [K, D].
            start: the first example.
            stop: past the last one; None for the sample's end.

        Yields:
            Ticks, whose pieces add up to K times the share of the sample that is evaluated (more, where the memory was
            not enough and half as much at once was tried, as happens once).

        Returns:
            Means and spreads.

        Raises:
            ValueError: where a part is asked for of what has no parts.
            RuntimeError: torch's, where the memory was not enough for half as much at once either.
            MemoryError: the same, from Python.
        """
        stop = self.examples if stop is None else stop
        if not self.additive and (start, stop) != (0, self.examples):
            asked = f"{start}:{stop}"
            raise ValueError(f"expected all {self.examples} examples, because they share statistics; got {asked}")
        found, pulse = empty(len(points)), _Pulse()
        if self._blocks is None:
            losses = []
            for point in points:
                losses.append(self._unblocked(point, start, stop))
                yield from pulse.after((stop - start) / self.examples)
            yield from pulse.rest()
            return tally_of(torch.stack(losses)) if losses else found
        plan = yield from self._planned(self._blocks, points)
        try:
            return (yield from self._blocked(self._blocks, plan, points, start, stop))
        except (RuntimeError, MemoryError) as error:
            if self._shrunk or not exhausted(error):
                raise
        self._shrunk, self._plan = True, plan.smaller(self._where.mixed)
        if self._where.problem.device.type == "cuda":
            torch.cuda.empty_cache()
        return (yield from self._blocked(self._blocks, self._plan, points, start, stop))

    def _blocked(
        self, blocks: Blocks, plan: Plan, points: Sequence[Point], start: int, stop: int
    ) -> Generator[Tick, None, Tally]:
        found, pulse = empty(len(points)), _Pulse()
        spans = [(first, min(first + plan.block, stop)) for first in range(start, stop, plan.block)]
        runs = {span: self._runs(blocks, plan, points, last=span[1] == stop) for span in spans}
        with closing(shared(self._pieces(blocks, runs, plan), self._hands)) as told:
            for first, last in spans:
                tallies, share = [], (last - first) / self.examples
                for run in runs[first, last]:
                    tallies.append(next(told))
                    yield from pulse.after(share * len(run))
                found = found.merged(side_by_side(tallies))
        yield from pulse.rest()
        return found

    def _runs(self, blocks: Blocks, plan: Plan, points: Sequence[Point], last: bool) -> list[Sequence[Point]]:
        """Cut points into pieces of some milliseconds; those of the last block get shorter towards the end."""
        most, at = plan.piece(blocks.products), 0
        runs: list[Sequence[Point]] = []
        while at < len(points):
            size = most
            if last and self._hands > 1:
                share = math.ceil((len(points) - at) / (2 * self._hands))
                size = max(plan.together, min(most, max(share, most // SHORTEST)))
            runs.append(points[at : at + size])
            at += size
        return runs

    def _pieces(
        self, blocks: Blocks, runs: dict[tuple[int, int], list[Sequence[Point]]], plan: Plan
    ) -> Iterator[Callable[[], Tally]]:
        for first, last in runs:
            block = blocks.open(first, last, keep=self._keep)
            for run in runs[first, last]:
                yield partial(_tallied, block, run, plan.together)

    def _planned(self, blocks: Blocks, points: Sequence[Point]) -> Generator[Tick, None, Plan]:
        if self._plan is None:
            work = work_of(self._where, blocks.shape, blocks.dtype, self.format)
            self._plan = (yield from tuned(work, blocks, points[0])) if self._tune and points else pinned(work)
        return self._plan

    @torch.no_grad()
    def _unblocked(self, point: Point, start: int, stop: int) -> Tensor:
        """The losses [n] at a point without parts of a model; where they cannot be told apart, the mean [1]."""
        where, params_P, buffers_B = self._where, self._span.embed(point), self._span.buffers_B
        problem, data = where.problem, where.examples
        if data is None or not self.additive:
            return problem.loss(params_P, buffers_B, where.data, where.batchnorm).view(1)
        if (start, stop) == (0, len(data)):
            return problem.each(problem.outputs(params_P, buffers_B, data.x), data.y)
        return problem.each(problem.outputs(params_P, buffers_B, data.x[start:stop]), data.y[start:stop])


def _tallied(block: Block, points: Sequence[Point], together: int) -> Tally:
    return tally_of(block.losses(points, together))


class _Pulse:
    """Gathers pieces of work until a tick is due."""

    def __init__(self) -> None:
        self._pieces, self._since = 0.0, perf_counter()

    def after(self, pieces: float) -> Iterator[Tick]:
        self._pieces += pieces
        now = perf_counter()
        if now - self._since >= PULSE:
            yield Tick(self._pieces)
            # The time of whoever is told does not count.
            self._pieces, self._since = 0.0, perf_counter()

    def rest(self) -> Iterator[Tick]:
        yield Tick(self._pieces)


def finish(work: Generator[Tick, None, ResultT]) -> ResultT:
    """Work to the end at once, without ticks, and return the result."""
    while True:
        try:
            next(work)
        except StopIteration as stop:
            result: ResultT = stop.value
            return result


def measure(where: Sample, params_P: Tensor, buffers_B: Tensor) -> Measured:
    """Evaluate the loss at one point.

    Args:
        where: the examples, and BatchNorm's statistics.
        params_P: the parameters.
        buffers_B: the buffers, which frozen BatchNorm uses.

    Returns:
        The loss and its standard error.
    """
    loss_K, stderr_K = finish(Evaluator(where, Span(params_P, buffers_B)).losses([()]))
    return Measured(float(loss_K[0]), None if stderr_K is None else float(stderr_K[0]))
