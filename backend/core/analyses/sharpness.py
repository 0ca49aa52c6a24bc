"""Sharpness beside the edge of stability: at stored moments, and along a race."""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from backend.core.analyses.base import TICK, Context, Events, Moment, Tick
from backend.core.analyses.curvature import column, sites, ticking
from backend.core.analyses.flow_end import FlowEnd, end_of_flow, in_format, unsupported_flow
from backend.core.analyses.places import points_of, started
from backend.core.analyses.race import LaneView, RaceView
from backend.core.curvature.eigenpairs import Eigenpairs, require_k
from backend.core.curvature.graph import GraphOperator, Plan
from backend.core.curvature.guards import Rough
from backend.core.curvature.hvp import hessian
from backend.core.curvature.operator import NotFiniteCurvature
from backend.core.curvature.preconditioned import preconditioned, preconditioner
from backend.core.curvature.thresholds import preconditioned_threshold, threshold
from backend.core.curvature.tracking import Tracker
from backend.core.geometry.evaluate import sample
from backend.core.problems.network import NetworkProblem
from backend.core.problems.problem import Data, Problem
from backend.core.runtime.seeding import generator
from backend.schemas.analysis import SharpnessAnalysis
from backend.schemas.events import Sharpness as SharpnessEvent

SINGLE_FROM: Final = 0.01  # tolerances from which on a double-precision problem's products are made in single precision
MANY: Final = 1500  # examples from which on a part of them watches the guards
PART: Final = 12  # one of so many of the examples is in that part
Measuring = Generator[Tick, None, "Measured"]


@dataclass(frozen=True, eq=False)
class Measured:
    """All searches at one moment; ``scaled`` is of P⁻¹H, None where there is no P; ``flow`` where it was asked for."""

    plain: Eigenpairs
    scaled: Eigenpairs | None
    flow: FlowEnd | None


class Track:
    """What is remembered of a lane between two looks: eigenvectors of H and of P^−½HP^−½, and how products are made.

    A tolerance of 0.01 or more needs no double precision: the products of a network on data are then made in single
    precision, in a quarter to a half of the time. Rounding moves an eigenvalue by some 10⁻⁶ of the largest. Of 1,500
    examples or more, a twelfth tells which directions are worth an exact look (:class:`Tracker`).

    Args:
        problem: whose loss.
        spec: the analysis.
        random: draws the fresh starts.
    """

    def __init__(self, problem: Problem, spec: SharpnessAnalysis, random: torch.Generator) -> None:
        self.step = -1  # of the last look
        self._problem, self._dtype, self._random = problem, problem.dtype, random
        self._data = self._exact = sample(problem, spec.data_fraction).data
        self._flow = spec.flow
        if problem.dtype == torch.float64 and spec.tol >= SINGLE_FROM and isinstance(problem, NetworkProblem):
            self._dtype = torch.float32
            self._data = in_format(self._data or problem.train, torch.float32)
        self._plain, self._scaled = (Tracker(spec.k, random, tol=spec.tol, budget=spec.budget) for _ in range(2))
        self._plan: Plan | None = None
        self._part = _part(problem, self._data, random)
        self._part_plan: Plan | None = None

    def look(self, moment: Moment, diagonal_P: Tensor | None) -> Measuring:
        """Measure at a moment.

        Args:
            moment: where.
            diagonal_P: the diagonal of P; None measures H alone.

        Yields:
            A tick after each product or block of products.

        Returns:
            The eigenpairs.

        Raises:
            NotFinite: where the parameters or the curvature are not finite.
            Unsupported: where the loss changes between two evaluations.
        """
        self.step, exact = moment.step, moment
        moment = Moment(moment.step, moment.params_P.to(self._dtype), moment.buffers_B.to(self._dtype))
        operator = hessian(self._problem, moment, self._data, plan=self._plan)
        self._plan = operator.plan
        yield TICK
        part = self._part_operator(moment)
        rough = None if part is None else Rough(part, 1 / PART)
        gradient_P = (part or operator).gradient_P
        plain = yield from ticking(self._plain.look(operator, gradient_P, rough))
        scaled = None
        if diagonal_P is not None:
            diagonal_P = diagonal_P.to(self._dtype)
            if bool((diagonal_P > 0).all()):  # else ε is nothing in this number format, and there is no P⁻¹
                scaled_P = None if gradient_P is None else gradient_P * diagonal_P.rsqrt()
                scaled_rough = None if part is None else Rough(preconditioned(part, diagonal_P), 1 / PART)
                search = self._scaled.look(preconditioned(operator, diagonal_P), scaled_P, scaled_rough)
                scaled = yield from ticking(search)
        flow = (yield from end_of_flow(self._problem, exact, self._exact, self._random)) if self._flow else None
        return Measured(plain, scaled, flow)

    def _part_operator(self, moment: Moment) -> GraphOperator | None:
        """Make the same Hessian of a part of the examples."""
        if self._part is None:
            return None
        operator = hessian(self._problem, moment, self._part, plan=self._part_plan)
        self._part_plan = operator.plan
        return operator


class Tracks:
    """The sharpness probes of a race: for each spec, one track a lane and repeat.

    Args:
        problem: of the race.
        seed: of the request.
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        self._problem, self._seed = problem, seed
        self._tracks: dict[tuple[SharpnessAnalysis, str, int], Track] = {}

    def begin(self, spec: SharpnessAnalysis, race: RaceView) -> Events:
        """Measure every lane that has moved since it was measured last; one that has diverged is left alone.

        Yields:
            A ``Sharpness`` for each lane, ticks between.
        """
        for lane in race.lanes:
            track = self._track(spec, lane)
            if lane.moment.step > track.step and (lane.lane, lane.repeat) not in race.diverged:
                yield from self._measure(spec, lane, track)

    def _track(self, spec: SharpnessAnalysis, lane: LaneView) -> Track:
        key = (spec, lane.lane, lane.repeat)
        if key not in self._tracks:
            random = generator(self._seed, spec.kind, lane.lane, lane.repeat)
            self._tracks[key] = Track(self._problem, spec, random)
        return self._tracks[key]

    def _measure(self, spec: SharpnessAnalysis, lane: LaneView, track: Track) -> Events:
        like_P = lane.moment.params_P
        diagonal_P = preconditioner(lane.optimizer, lane.state, like_P) if spec.preconditioned else None
        try:
            found: Measured | None = yield from track.look(lane.moment, diagonal_P)
        except NotFiniteCurvature:  # about to diverge: no reason for the race to fail
            found = None
        yield SharpnessEvent(
            lane=lane.lane,
            repeat=lane.repeat,
            step=lane.moment.step,
            threshold=threshold(lane.optimizer, lane.lr),
            preconditioned_threshold=preconditioned_threshold(lane.optimizer, lane.lr) if spec.preconditioned else None,
            **_told(self._problem, spec, found),
        )


class Sharpness:
    """The largest eigenvalues of H at each point. A stored moment has no optimizer, so there is no threshold."""

    def unsupported(self, problem: Problem, spec: SharpnessAnalysis) -> str | None:
        """Return None, or why this problem has no such eigenvalues, or no certain ones."""
        try:
            require_k(spec.k, problem.layout.size)
        except ValueError as refusal:
            return str(refusal)
        return (unsupported_flow(problem) if spec.flow else None) or problem.check_deterministic()

    def run(self, problem: Problem, spec: SharpnessAnalysis, ctx: Context) -> Events:
        """Yield a ``Sharpness`` for each point.

        Raises:
            NotFinite: where a point, or the curvature there, is not finite.
            Unsupported: where the loss changes between two evaluations.
        """
        yield started(problem, points_of(problem, ctx))
        for site in sites(problem, ctx, spec.kind):
            found = yield from Track(problem, spec, site.generator).look(site.point.moment, None)
            told = _told(problem, spec, found)
            yield SharpnessEvent(**site.where, threshold=None, preconditioned_threshold=None, **told)


def _part(problem: Problem, data: Data | None, random: torch.Generator) -> Data | None:
    """Draw a part of the examples; None where they are few, or not alike as a network's are."""
    data = data or problem.train
    if data is None or len(data) < MANY or not isinstance(problem, NetworkProblem):
        return None
    rows = torch.randperm(len(data), generator=random)[: len(data) // PART].to(data.x.device)
    return Data(data.x[rows], data.y[rows])


def _told(problem: Problem, spec: SharpnessAnalysis, found: Measured | None) -> dict[str, object]:
    """Write what was measured in an event's fields; NaN where the curvature was not finite."""
    if found is None:
        nothing = np.full(spec.k, math.nan, str(problem.dtype).removeprefix("torch."))
        return {
            "values": nothing, "preconditioned": None, "residual": math.nan, "preconditioned_residual": None,
            "converged": False, "products": 0, "flow": math.nan if spec.flow else None,
        }  # fmt: skip
    plain, scaled, flow = found.plain, found.scaled, found.flow
    return {
        "values": column(plain.values_K, problem),
        "preconditioned": None if scaled is None else column(scaled.values_K, problem),
        "residual": float(plain.residuals_K.max()),
        "preconditioned_residual": None if scaled is None else float(scaled.residuals_K.max()),
        "converged": plain.converged and (scaled is None or scaled.converged),
        "products": plain.products + (0 if scaled is None else scaled.products),
        "flow": None if flow is None else flow.sharpness,
        "flow_gradients": None if flow is None else flow.gradients,
    }


SHARPNESS: Final = Sharpness()
