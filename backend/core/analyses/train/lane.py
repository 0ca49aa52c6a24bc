"""One competitor of a race: a lane of one repeat, with its own parameters, buffers and optimizer.

Shapes: P parameters, B buffer values.
"""

import math
from collections.abc import Iterator
from time import perf_counter
from typing import Final, cast

import torch
from torch import Tensor

from backend.core.analyses.base import LaneState, Moment
from backend.core.analyses.failures import Unsupported
from backend.core.analyses.race import LaneView, Push
from backend.core.analyses.train.batches import Steps
from backend.core.analyses.train.columns import Columns
from backend.core.curvature.thresholds import preconditioned_threshold, threshold
from backend.core.optimizers.filters import Filters
from backend.core.optimizers.objective import Batch
from backend.core.optimizers.registry import build_optimizer, rule_of
from backend.core.optimizers.schedules import factor
from backend.core.optimizers.surroundings import surround
from backend.core.problems.problem import Data, Problem, Solution, Split
from backend.schemas.analysis import SharpnessAnalysis
from backend.schemas.events import AnyEvent, Eval, Fit
from backend.schemas.optimizer import AnyOptimizer
from backend.schemas.run import Lane, TrainRequest

OPTIMIZER: Final = "optimizer."  # before the names of the optimizer's tensors in a checkpoint
FILTERS: Final = "filters."  # likewise of its filters
GENERATOR: Final = "generator"  # the state of the rule's random stream in a checkpoint


class LaneRun:
    """A lane after ``step`` updates.

    Args:
        problem: what is trained.
        request: the race.
        spec: which of its lanes this is.
        repeat: which repeat of it.
        start: where it begins, at whichever step; only read.
        batches: the batches of this repeat; None for a function.
        state: the checkpoint that it goes on from, taken at ``start``.
    """

    def __init__(
        self,
        problem: Problem,
        request: TrainRequest,
        spec: Lane,
        repeat: int,
        start: Moment,
        batches: Steps | None,
        state: LaneState | None = None,
    ) -> None:
        self.name, self.repeat, self.step = spec.name, repeat, start.step
        self.running = True
        # The hyper-parameters as they are now: `set` changes them.
        self.settings = spec.optimizer if state is None else _settings(spec, state)
        self.columns = Columns(spec.name, repeat, str(problem.dtype).removeprefix("torch."))
        self._problem, self._steps, self._divergence = problem, request.steps, request.divergence
        self._schedule, self._batches = spec.schedule, batches
        self._tells_thresholds = any(isinstance(probe.analysis, SharpnessAnalysis) for probe in request.probes)
        self._params_P = start.params_P.detach().clone().requires_grad_()
        self._buffers_B = start.buffers_B.detach().clone()
        self._around = surround(problem, self._params_P, self._buffers_B, request.seed + repeat, spec.name)
        self._optimizer = build_optimizer(self.settings, self._around)
        self._filters = Filters(spec.filters, self._params_P)
        self._abreast = rule_of(self.settings).abreast
        self._filter_kinds = [each.kind for each in spec.filters]
        self._rate = self.settings.lr
        self._first_loss: float | None = None
        self._finite_at = -1  # the newest step whose parameters are known to be finite
        self._seconds = 0.0
        self._push: Push | None = None  # what the newest step answered
        self._moment = start
        if state is not None:
            self._restore(state)

    @property
    def abreast(self) -> bool:
        """Whether a step begins with the gradient of the batch where the lane stands, so that it can be given one."""
        return self._abreast

    @property
    def params_P(self) -> Tensor:
        """Where the lane stands; only read."""
        return self._params_P.detach()

    def advance(self) -> bool:
        """Take one step and write its row.

        Returns:
            Whether the lane is still sound; False where its loss or a parameter is not finite, or the loss too large.
        """
        began = perf_counter()
        loss, grad_P = self.move(self.begin())
        value, norm = loss.item(), torch.linalg.vector_norm(self._filters.own_gradient(grad_P)).item()
        return self.note(value, norm, perf_counter() - began, torch.linalg.vector_norm(self.params_P).item())

    def begin(self) -> Batch | None:
        """Begin a step, at its learning rate; return its batch."""
        rate = self.rate()
        if rate != self._rate:
            self._optimizer.set("lr", rate)
            self._rate = rate
        self.step += 1
        return None if self._batches is None else self._batches.at(self.step)

    def move(self, batch: Batch | None, given: tuple[Tensor, Tensor] | None = None) -> tuple[Tensor, Tensor]:
        """Let the rule move once.

        Args:
            batch: of the step that was begun.
            given: loss and gradient of that batch where the lane stands, where they are known.

        Returns:
            The loss, and the gradient that the rule was told.
        """
        objective = self._around.objective
        objective.begin(batch, given)
        loss, grad_P = self._optimizer.step(self._filters.begin(objective.loss_and_grad))
        self._push = Push(self._filters.own_gradient(grad_P), self._rate)
        return loss, grad_P

    def note(self, loss: float, norm: float, seconds: float, size: float) -> bool:
        """Write the row of a step.

        Args:
            loss: of the batch, before the move.
            norm: of its gradient.
            seconds: that the step took.
            size: the parameters' norm after the move.

        Returns:
            Whether the lane is still sound.
        """
        self._seconds += seconds
        self.columns.add(self.step, loss, norm, self._rate, self._seconds, self._around.objective.evaluations)
        if self._tells_thresholds:
            thresholds = (of(self.settings, self._rate) for of in (threshold, preconditioned_threshold))
            self.columns.add_thresholds(*thresholds)
        if self._first_loss is None:
            self._first_loss = loss
        if math.isfinite(size):
            self._finite_at = self.step
        return math.isfinite(loss) and loss <= self._limit() and self.finite()

    def rate(self) -> float:
        """Return the learning rate of the next step; after the last step, its own."""
        return self.settings.lr * factor(self._schedule, min(self.step, self._steps - 1), self._steps)

    def finite(self) -> bool:
        """Whether every parameter is finite."""
        # The norm is one cheap product; only where it overflows must every value be looked at.
        if self._finite_at != self.step:
            size = torch.linalg.vector_norm(self.params_P).item()
            if not (math.isfinite(size) or bool(torch.isfinite(self.params_P).all())):
                return False
            self._finite_at = self.step
        return True

    def moment(self) -> Moment:
        """Return a copy of where the lane is now; the same one when asked again."""
        if self._moment.step != self.step:
            self._moment = Moment(self.step, self._params_P.detach().clone(), self._buffers_B.clone())
        return self._moment

    def view(self, moment: Moment, before: Moment | None) -> LaneView:
        """Freeze the lane and its rule for the probes, at its newest finite moment and the one before."""
        state = {name: value.detach().clone() for name, value in self._optimizer.state_dict().items()}
        push = self._push if moment.step == self.step else None
        return LaneView(self.name, self.repeat, moment, self.settings, self.rate(), state, before, push)

    def evaluate(self) -> Iterator[AnyEvent]:
        """Evaluate the whole splits; a function has none, and a differential equation a solution instead."""
        if self._problem.solution is not None:
            yield self._fit(self._problem.solution)
            return
        if self._problem.train is not None:
            yield self._eval("train", self._problem.train)
        if self._problem.test is not None and len(self._problem.test):
            yield self._eval("test", self._problem.test)

    def change(self, field: str, value: float | None) -> bool:
        """Change a live hyper-parameter.

        Args:
            field: its name in the optimizer's spec; ``lr`` is the base rate under a schedule.
            value: its new value.

        Returns:
            Whether the rule lets this field change while it runs, and the value lies within the field's bounds.
        """
        kind = type(self.settings)
        if field not in kind.live or value is None:
            return False
        try:
            self.settings = kind.model_validate({**self.settings.model_dump(), field: float(value)})
        except ValueError:
            return False
        if field != "lr":  # the rate is set with the schedule's factor at the next step
            self._optimizer.set(field, float(value))
        return True

    def state(self) -> LaneState:
        """Return all that a bit-exact resume needs."""
        moment = self.moment()
        tensors = {"params": moment.params_P, "buffers": moment.buffers_B}
        tensors[GENERATOR] = self._around.generator.get_state()
        for name, value in self._optimizer.state_dict().items():
            tensors[OPTIMIZER + name] = value.detach().clone()
        for name, value in self._filters.state_dict().items():
            tensors[FILTERS + name] = value.detach().clone()
        values: dict[str, object] = {
            "rule": self.settings.kind,
            "filters": self._filter_kinds,
            "live": {field: getattr(self.settings, field) for field in type(self.settings).live},
            "first_loss": self._first_loss,
            "seconds": self._seconds,
            "evaluations": self._around.objective.evaluations,
        }
        return LaneState(self.name, self.repeat, self.step, tensors, values)

    def _restore(self, state: LaneState) -> None:
        self._first_loss = cast("float | None", state.values["first_loss"])
        self._seconds = cast("float", state.values["seconds"])
        # Checkpoints of the first release have neither of these; its rules drew nothing, and a step was an evaluation.
        self._around.objective.evaluations = cast("float", state.values.get("evaluations", float(state.step)))
        if GENERATOR in state.tensors:
            self._around.generator.set_state(state.tensors[GENERATOR].cpu())
        if state.values.get("filters", []) != self._filter_kinds:
            raise Unsupported(
                f"Lane {self.name!r} was trained with the filters {state.values.get('filters', [])} and cannot go on "
                f"with {self._filter_kinds}; give it the same ones, or fork without resume."
            )
        self._optimizer.load_state_dict(_below(OPTIMIZER, state))
        device = self._params_P.device
        self._filters.load_state_dict({name: t.to(device) for name, t in _below(FILTERS, state).items()})

    def _eval(self, split: Split, data: Data) -> Eval:
        loss, accuracy = self._problem.evaluate(self._params_P, self._buffers_B, data)
        return Eval(
            lane=self.name,
            repeat=self.repeat,
            step=self.step,
            split=split,
            loss=loss,
            accuracy=accuracy,
            evaluations=self._around.objective.evaluations,
            seconds=self._seconds,
        )

    def _fit(self, solution: Solution) -> Fit:
        params_P = self._params_P.detach()
        with torch.no_grad():
            loss = self._problem.loss(params_P, self._buffers_B).item()
        shown = solution.section(params_P)
        s, u, exact = (column.cpu().numpy() for column in (shown.s, shown.u, shown.exact))
        return Fit(
            lane=self.name, repeat=self.repeat, step=self.step, loss=loss, relative_l2=solution.error(params_P),
            section=shown.where, s=s, u=u, exact=exact, error=u - exact,
        )  # fmt: skip

    def _limit(self) -> float:
        # A first loss of 0 gives no scale, and a negative one its size.
        return self._divergence * abs(self._first_loss) if self._first_loss else math.inf


def _below(start: str, state: LaneState) -> dict[str, Tensor]:
    return {name.removeprefix(start): tensor for name, tensor in state.tensors.items() if name.startswith(start)}


def _settings(spec: Lane, state: LaneState) -> AnyOptimizer:
    """Return the lane's hyper-parameters with those that were live when the checkpoint was taken."""
    rule = state.values["rule"]
    if rule != spec.optimizer.kind:
        raise Unsupported(
            f"Lane {spec.name!r} was trained with {rule} and cannot go on with {spec.optimizer.kind}; "
            "give it the same rule, or fork without resume."
        )
    live = cast("dict[str, float]", state.values["live"])
    return type(spec.optimizer).model_validate({**spec.optimizer.model_dump(), **live})
