"""Other weights of the same function, and descent from there.

Shapes: P parameters, B buffer values, U units, n turns.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal, TypedDict

import numpy as np
import torch
from torch import Tensor

from backend.core.analyses.base import TICK, Context, Events, Moment
from backend.core.analyses.curvature import Site, sites
from backend.core.analyses.failures import Unsupported
from backend.core.analyses.places import points_of, require_finite, started
from backend.core.geometry.rescaling import (
    Place,
    climb,
    gradient_of,
    norm_of,
    rescaled,
    unsupported_rescaling,
)
from backend.core.problems.network import NetworkProblem
from backend.core.problems.problem import Problem
from backend.schemas.analysis import TeleportAnalysis
from backend.schemas.events import Progress, Teleport

Trace = Literal["climb", "here", "there"]
LANE: Final = "teleported"  # under which the place is kept
LOOKS: Final = 20  # times that a trace is shown while it grows


@dataclass
class _Rows:
    """Loss and gradient, turn by turn."""

    loss: list[float] = field(default_factory=list)
    grad_norm: list[float] = field(default_factory=list)

    def add(self, loss: float, grad_norm: float) -> None:
        self.loss.append(loss)
        self.grad_norm.append(grad_norm)


class Teleportation:
    """Finds other weights of the same function at each point, and keeps them as a moment to start from."""

    def unsupported(self, problem: Problem, spec: TeleportAnalysis) -> str | None:
        """Return None, or why no weights can be scaled here."""
        return unsupported_rescaling(problem) or problem.check_deterministic()

    def run(self, problem: Problem, spec: TeleportAnalysis, ctx: Context) -> Events:
        """Yield the way there as a ``Teleport`` that grows, then the descents from the point and from there.

        Raises:
            Unsupported: where the problem is no network.
            NotFinite: where a point is not finite.
        """
        if not isinstance(problem, NetworkProblem):
            raise Unsupported("Rescaling needs a network with hidden units, and this problem has none.")
        points = points_of(problem, ctx)
        require_finite(points)
        yield started(problem, points)
        for site in sites(problem, ctx, "teleport"):
            yield from _Journey(problem, spec, site).events(ctx)


class _Facts(TypedDict):
    """What every event says of the way."""

    gain: float
    change: float
    factor: float
    distance: float


@dataclass(frozen=True)
class _Journey:
    """From one point there, and downhill from both."""

    problem: NetworkProblem
    spec: TeleportAnalysis
    site: Site

    def events(self, ctx: Context) -> Events:
        here, spec = self.site.point.moment, self.spec
        rows, last = _Rows(), Place(here.params_P, math.nan, torch.zeros(1))
        facts = self._facts(rows, last)
        total = spec.steps if spec.way == "climb" else 1
        for place in self._places():
            if place is None:
                yield TICK
                continue
            last = place
            rows.add(self._loss(place.params_P), math.exp(place.height))
            facts = self._facts(rows, place)
            yield Progress(phase="climb", done=min(len(rows.loss) - 1, total), total=total)
            yield self._told("climb", rows, facts, final=False)
        ctx.keeper.snapshot(LANE, self.site.where["point"] or 0, Moment(here.step, last.params_P, here.buffers_B))
        yield self._told("climb", rows, facts, final=True)
        yield from self._descend("here", here.params_P, facts)
        yield from self._descend("there", last.params_P, facts)

    def _places(self) -> Iterator[Place | None]:
        problem, here = self.problem, self.site.point.moment
        gradient = gradient_of(problem, here.buffers_B)
        if self.spec.way == "climb":
            yield from climb(here.params_P, problem.layout, problem.units, gradient, self.spec.steps)
            return
        sizes = [group.size for group in problem.units]
        drawn_U = torch.randn(sum(sizes), generator=self.site.generator, dtype=torch.float64)
        for scale in (0.0, self.spec.spread):
            log_U = (scale * drawn_U).to(here.params_P)
            params_P = rescaled(here.params_P, problem.layout, problem.units, log_U.split(sizes))
            norm = norm_of(gradient, params_P)
            yield Place(params_P, math.log(norm) if norm else -math.inf, log_U)

    def _descend(self, trace: Trace, params_P: Tensor, facts: _Facts) -> Events:
        gradient = gradient_of(self.problem, self.site.point.moment.buffers_B)
        rows, steps = _Rows(), self.spec.descent
        stride = max(1, steps // LOOKS)
        for step in range(steps + 1):
            slope_P = gradient(params_P).detach()
            rows.add(self._loss(params_P), float(slope_P.norm()))
            if step % stride == 0 or step == steps:
                yield Progress(phase=f"descent from {trace}", done=step, total=steps)
                yield self._told(trace, rows, facts, final=step == steps)
            else:
                yield TICK
            params_P = params_P - self.spec.lr * slope_P

    @torch.no_grad()
    def _loss(self, params_P: Tensor) -> float:
        return float(self.problem.loss(params_P, self.site.point.moment.buffers_B))

    def _facts(self, rows: _Rows, place: Place) -> _Facts:
        moved = bool(rows.loss)
        return _Facts(
            gain=rows.grad_norm[-1] / rows.grad_norm[0] if moved and rows.grad_norm[0] else 1.0,
            change=abs(rows.loss[-1] - rows.loss[0]) if moved else 0.0,
            factor=float(torch.exp(place.log_U.abs().max())),
            distance=float((place.params_P - self.site.point.moment.params_P).norm()),
        )

    def _told(self, trace: Trace, rows: _Rows, facts: _Facts, *, final: bool) -> Teleport:
        dtype = str(self.problem.dtype).removeprefix("torch.")
        first = 1 - len(rows.loss) if trace == "climb" else 0
        return Teleport(
            **self.site.where,
            trace=trace,
            turn=np.arange(first, first + len(rows.loss), dtype=np.int32),
            loss=np.array(rows.loss, dtype),
            grad_norm=np.array(rows.grad_norm, dtype),
            **facts,
            final=final,
        )


TELEPORT: Final = Teleportation()
