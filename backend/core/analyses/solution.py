"""The solution of a differential equation, at stored moments and along a race.

Shapes: P parameters, n and m points a side, D coordinates.
"""

from typing import Final

import numpy as np

from backend.core.analyses.base import Context, Events
from backend.core.analyses.curvature import Site, sites
from backend.core.analyses.failures import Unsupported
from backend.core.analyses.places import points_of, started
from backend.core.problems.problem import Problem
from backend.schemas.analysis import SolutionAnalysis
from backend.schemas.events import Solution

NONE: Final = "A solution is drawn of a differential equation, and this problem is none; take one under Equation."


class SolutionPicture:
    """Evaluates what is fitted where it can be seen; two forward passes for each point."""

    def unsupported(self, problem: Problem, spec: SolutionAnalysis) -> str | None:
        """Return None, or that there is no equation."""
        return NONE if problem.solution is None else None

    def run(self, problem: Problem, spec: SolutionAnalysis, ctx: Context) -> Events:
        """Yield a ``Solution`` for each point."""
        yield started(problem, points_of(problem, ctx))
        for site in sites(problem, ctx, spec.kind):
            yield from self.look(problem, spec, site)

    def look(self, problem: Problem, spec: SolutionAnalysis, site: Site) -> Events:
        """Yield the ``Solution`` of one place; where the parameters are not finite, u and its errors are NaN.

        Raises:
            Unsupported: where the problem is no differential equation.
        """
        if problem.solution is None:
            raise Unsupported(NONE)
        params_P = site.point.moment.params_P
        section, chart = problem.solution.section(params_P), problem.solution.chart(params_P, spec.resolution)
        s, u, exact = (column.cpu().numpy() for column in (section.s, section.u, section.exact))
        error, shown, worst = u - exact, {}, np.abs(u - exact).max()
        if chart is not None:
            u_nm, exact_nm = chart.u.cpu().numpy(), chart.exact.cpu().numpy()
            worst = max(worst, np.abs(u_nm - exact_nm).max())
            shown = {
                "x_label": chart.labels[0], "y_label": chart.labels[1],
                "x": chart.x.cpu().numpy(), "y": chart.y.cpu().numpy(),
                "u_map": u_nm, "exact_map": exact_nm, "error_map": u_nm - exact_nm,
            }  # fmt: skip
        yield Solution(
            **site.where, relative_l2=problem.solution.error(params_P), worst=float(worst),
            section=section.where, s=s, u=u, exact=exact, error=error, **shown,
        )  # fmt: skip


SOLUTION: Final = SolutionPicture()
