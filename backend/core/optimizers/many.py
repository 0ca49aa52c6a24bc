"""One rule from many starts at once, or at many learning rates: the same numbers as one lane after the other.

Shapes: N starts, P parameters of each.
"""

from collections.abc import Callable, Generator
from typing import Final, NamedTuple, cast

import torch
from torch import Tensor

from backend.core.optimizers.objective import Batch
from backend.core.optimizers.registry import build_optimizer
from backend.core.optimizers.surroundings import surround
from backend.core.problems.function import FunctionMinimisation
from backend.core.problems.params import Layout
from backend.core.problems.problem import BatchNormPolicy, Data, Problem
from backend.schemas.optimizer import AnyOptimizer

# Rules that move each coordinate by its own gradients alone: many starts are one long vector to them.
TOGETHER: Final = frozenset(
    {
        "sgd", "rmsprop", "adagrad", "adam", "adamw", "adadelta", "nadam", "radam", "lion", "diffgrad", "ademamix",
        "xgrad", "optimistic_amsgrad",
    }
)  # fmt: skip
# Those whose step is their learning rate times something that it has no part in.
PROPORTIONAL: Final = TOGETHER - {"xgrad", "optimistic_amsgrad"}


class Ends(NamedTuple):
    """Where the walks ended, [N, P], and the gradient evaluations that each of them has spent."""

    points_NP: Tensor
    evaluations: float


Walks = Generator[None, None, Ends]  # yields after each step of a walker, or of all of them at once


class Walker:
    """One rule from one start, outside of a race.

    Args:
        problem: whose loss.
        spec: the rule.
        start_P: where it starts; only read.
        buffers_B: the buffers there; only read.
        seed: of the rule's random stream.
        batch: the batch of each step, counted from 1; None is all data, or the function.
    """

    def __init__(
        self,
        problem: Problem,
        spec: AnyOptimizer,
        start_P: Tensor,
        buffers_B: Tensor,
        seed: int = 0,
        batch: Callable[[int], Batch | None] = lambda step: None,
    ) -> None:
        self.params_P = start_P.detach().clone().requires_grad_()
        self.buffers_B = buffers_B.detach().clone()
        self.steps = 0
        self._around = surround(problem, self.params_P, self.buffers_B, seed)
        self._rule = build_optimizer(spec, self._around)
        self._batch = batch

    @property
    def evaluations(self) -> float:
        """Gradient evaluations so far."""
        return self._around.objective.evaluations

    def step(self) -> Tensor:
        """Move once; return the loss before the move."""
        self.steps += 1
        self._around.objective.begin(self._batch(self.steps))
        return self._rule.step(self._around.objective.loss_and_grad)[0]

    def finite(self) -> bool:
        """Whether every parameter is."""
        return bool(torch.isfinite(self.params_P.detach()).all())


class _Sum:
    """The sum of a function's values at N points, as a loss of one long vector: its gradient is theirs, end to end."""

    train: Data | None = None

    def __init__(self, function: FunctionMinimisation, count: int) -> None:
        self._function, self._shape = function, (count, function.layout.size)
        self.layout = Layout((("x", (count * function.layout.size,)),))
        self.buffer_layout = Layout(())
        self.dtype, self.device = function.dtype, function.device

    def loss(
        self, params_P: Tensor, buffers_B: Tensor, data: Data | None = None, batchnorm: BatchNormPolicy = "frozen"
    ) -> Tensor:
        """Σ f(xₙ)."""
        return self._function.loss(params_P.view(self._shape), buffers_B).sum()


def walks(function: FunctionMinimisation, spec: AnyOptimizer, starts_NP: Tensor, steps: int, seed: int = 0) -> Walks:
    """Let a rule take so many steps from each start.

    The rules of :data:`TOGETHER` step all starts as one vector: each coordinate's step depends on that coordinate's
    gradients alone, so that the numbers are those of one start after the other. All others take one after the other,
    each with the same random stream. What is not finite stays so, and touches nothing else.

    Args:
        function: which is minimised.
        spec: the rule.
        starts_NP: the starts.
        steps: of each.
        seed: of the rules' random streams.

    Yields:
        None, after each step.

    Returns:
        Where they ended.
    """
    none = starts_NP.new_empty(0)
    if spec.kind in TOGETHER and len(starts_NP):
        herd = Walker(cast("Problem", _Sum(function, len(starts_NP))), spec, starts_NP.flatten(), none, seed)
        for _ in range(steps):
            herd.step()
            yield
        return Ends(herd.params_P.detach().view(starts_NP.shape), herd.evaluations)
    ends, evaluations = [starts_NP[:0]], 0.0
    for start_P in starts_NP:
        walker = Walker(cast("Problem", function), spec, start_P, none, seed)
        while walker.steps < steps and walker.finite():
            walker.step()
            yield
        ends.append(walker.params_P.detach().unsqueeze(0))
        evaluations = max(evaluations, walker.evaluations)
    return Ends(torch.cat(ends), evaluations)


def walks_by_rate(
    function: FunctionMinimisation, spec: AnyOptimizer, start_P: Tensor, rates_N: Tensor, steps: int
) -> Walks:
    """Let a rule of :data:`PROPORTIONAL` take so many steps from one start, at each learning rate.

    Such a rule steps by η times something that η has no part in. So all walkers step at the rate 1 as one vector, and
    what that moved each of them by is multiplied by its own rate.

    Args:
        function: which is minimised.
        spec: the rule; its own learning rate makes no difference.
        start_P: the start of all.
        rates_N: the learning rates.
        steps: of each.

    Yields:
        None, after each step.

    Returns:
        Where they ended.

    Raises:
        ValueError: where the rule is not proportional to its learning rate.
    """
    if spec.kind not in PROPORTIONAL:
        raise ValueError(f"expected a rule whose step is proportional to its learning rate, got {spec.kind}")
    count, none = len(rates_N), start_P.new_empty(0)
    whole = cast("Problem", _Sum(function, count))
    unit = spec.model_copy(update={"lr": 1.0})
    herd = Walker(whole, unit, start_P.expand(count, -1).flatten(), none)
    rate_M = rates_N.to(start_P).repeat_interleave(len(start_P))
    moving = herd.params_P.detach()
    for _ in range(steps):
        before = moving.clone()
        herd.step()
        moving.copy_(before + (moving - before) * rate_M)
        yield
    return Ends(moving.view(count, -1), herd.evaluations)
