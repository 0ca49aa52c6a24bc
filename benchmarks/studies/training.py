"""A bare full-batch training loop that looks at the sharpness now and then, for studies of thousands of steps.

Shapes: P parameters.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import torch

from backend.core.analyses.base import Moment
from backend.core.curvature.eigenpairs import finish
from backend.core.curvature.graph import Plan
from backend.core.curvature.hvp import hessian
from backend.core.curvature.preconditioned import preconditioned, preconditioner
from backend.core.curvature.thresholds import preconditioned_threshold, threshold
from backend.core.curvature.tracking import Tracker
from backend.core.optimizers.registry import build_optimizer
from backend.core.optimizers.surroundings import surround
from backend.core.problems.problem import Data, Problem
from backend.schemas.optimizer import AnyOptimizer

TOL: Final = 1e-3
DIVERGED: Final = 1e6  # times the first loss


@dataclass
class Course:
    """What a training run showed: the sharpness as a share of the rule's threshold, by step, and how it ended."""

    steps: list[int] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)
    loss: float = float("nan")
    diverged_at: int | None = None

    def pairs(self) -> Iterator[tuple[int, float]]:
        """Return each look's step with its share."""
        return zip(self.steps, self.shares, strict=True)

    def between(self, first: int, last: int) -> list[float]:
        """Return the shares from one step to another, both included."""
        return [share for step, share in self.pairs() if first <= step <= last]


def train(
    problem: Problem,
    rule: AnyOptimizer,
    seed: int,
    steps: int,
    look: Callable[[int], bool],
    changes: Sequence[tuple[int, float]] = (),
    data: Data | None = None,
) -> Course:
    """Train with all the data at every step.

    Args:
        problem: what is trained.
        rule: with its learning rate.
        seed: of the initial point and of the eigenvalue searches.
        steps: how many.
        look: whether to measure the sharpness at a step.
        changes: (step, learning rate) from then on; shares are of the threshold at the rate of the next step.
        data: the examples (None: the problem's own).

    Returns:
        The course; it ends early where the loss is not finite or 10⁶ times its first value.
    """
    start_P, buffers_B = problem.params0(seed)
    params_P = start_P.clone().requires_grad_()
    optimizer = build_optimizer(rule, surround(problem, params_P, buffers_B, seed, "study"))
    tracker = Tracker(1, torch.Generator().manual_seed(seed), tol=TOL, budget=1000)
    plan: Plan | None = None
    course, lr, due = Course(), rule.lr, dict(changes)
    first = float("nan")
    for step in range(steps + 1):
        if step in due:
            lr = due[step]
            optimizer.set("lr", lr)
        if look(step):
            operator = hessian(problem, Moment(step, params_P.detach().clone(), buffers_B), data, plan=plan)
            plan = operator.plan
            diagonal_P = preconditioner(rule, optimizer.state_dict(), params_P.detach())
            matrix = operator if diagonal_P is None else preconditioned(operator, diagonal_P)
            edge = threshold(rule, lr) or preconditioned_threshold(rule, lr)
            if edge is not None and (diagonal_P is not None or threshold(rule, lr) is not None):
                course.steps.append(step)
                course.shares.append(finish(tracker.look(matrix)).sharpness / edge)

        def loss_and_grad() -> tuple[torch.Tensor, torch.Tensor]:
            loss = problem.loss(params_P, buffers_B, data)
            (grad_P,) = torch.autograd.grad(loss, params_P)
            return loss.detach(), grad_P

        loss = float(optimizer.step(loss_and_grad)[0])
        first = loss if step == 0 else first
        course.loss = loss
        if not loss <= DIVERGED * first:
            course.diverged_at = step
            return course
    return course
