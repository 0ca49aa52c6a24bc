"""The tangent kernel at stored moments and along a race.

Shapes: N examples, C outputs, P parameters in all.
"""

import math
from typing import Final

import torch

from backend.core.analyses.aside import aside
from backend.core.analyses.base import TICK, Context, Events
from backend.core.analyses.curvature import Site, sites
from backend.core.analyses.failures import NotFinite
from backend.core.analyses.places import points_of, started
from backend.core.curvature.blocks import layers
from backend.core.gradients.tangent_kernel import kernel_in_pieces, one_hot, slopes, summed_kernel, target_alignment
from backend.core.problems.problem import Data, Problem
from backend.schemas.analysis import NtkAnalysis
from backend.schemas.events import Kernel

MB: Final = 2**20


class TangentKernel:
    """Its eigenvalues, and its alignment with the targets."""

    def unsupported(self, problem: Problem, spec: NtkAnalysis) -> str | None:
        """Return None, or why there is no such kernel, or no room for it."""
        if problem.train is None:
            return "A tangent kernel needs a network with outputs, and this problem is a function of its parameters."
        count = min(spec.examples, len(problem.train))
        outputs = self._width(problem)
        needed = count * outputs * problem.layout.size * 4 / MB
        if needed > spec.budget_mb:
            fits = int(spec.budget_mb * MB / (4 * outputs * problem.layout.size))
            return (
                f"The slopes of {count} examples' {outputs} outputs by {problem.layout.size:,} parameters take "
                f"{needed:,.0f} MB, and {spec.budget_mb:,} MB are allowed; ask for at most {max(fits, 1)} examples."
            )
        return problem.check_deterministic()

    def run(self, problem: Problem, spec: NtkAnalysis, ctx: Context) -> Events:
        """Yield a ``Kernel`` for each point.

        Raises:
            NotFinite: where a point is not finite.
        """
        yield started(problem, points_of(problem, ctx))
        for site in sites(problem, ctx, spec.kind):
            if not bool(torch.isfinite(site.point.moment.params_P).all()):
                raise NotFinite(f"The parameters at step {site.point.moment.step} are not finite.")
            yield from self.look(problem, spec, site)

    def look(self, problem: Problem, spec: NtkAnalysis, site: Site) -> Events:
        """Work the kernel out at a place.

        Yields:
            A ``Kernel``, ticks before.
        """
        train = problem.train
        assert train is not None
        data = Data(train.x[: spec.examples], train.y[: spec.examples])
        jacobian_NCP = yield from slopes(problem, site.point.moment, data)
        kernel_RR = (yield from kernel_in_pieces(jacobian_NCP)).double()
        values = yield from aside(lambda: torch.linalg.eigvalsh(kernel_RR).flip(0).clamp(min=0))  # below 0 is rounding
        targets = data.y.double() if problem.classes is None else one_hot(data.y, problem.classes)
        parts = layers(problem.layout) if spec.layers else ()
        aligned = []
        whole_NN = kernel_RR.view(*jacobian_NCP.shape[:2], *jacobian_NCP.shape[:2]).diagonal(0, 1, 3).sum(-1)
        for part in parts:
            summed_NN = torch.zeros_like(whole_NN)
            for output in range(jacobian_NCP.shape[1]):
                summed_NN += summed_kernel(jacobian_NCP[:, output : output + 1, part.start : part.end]).double()
                yield TICK
            aligned.append(target_alignment(summed_NN, targets))
        yield Kernel(
            **site.where,
            eigenvalues=values.cpu().numpy(),
            alignment=target_alignment(whole_NN, targets),
            layer=tuple(part.name for part in parts),
            layer_alignment=torch.tensor(aligned).double().numpy(),
            baseline=1 / math.sqrt(len(data) - 1),
            examples=len(data),
        )

    @staticmethod
    def _width(problem: Problem) -> int:
        assert problem.train is not None
        with torch.no_grad():
            return int(problem.outputs(*problem.params0(0), problem.train.x[:1]).shape[1])


NTK: Final = TangentKernel()
