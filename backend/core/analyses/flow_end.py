"""The sharpness where gradient flow from a moment would end: of all minima, the one that descent is heading for.

Shapes: P parameters.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

import torch

from backend.core.analyses.base import TICK, Moment, Tick
from backend.core.analyses.curvature import ticking
from backend.core.curvature.gradient_flow import gradient_flow
from backend.core.curvature.hvp import hessian
from backend.core.curvature.lanczos import lanczos
from backend.core.curvature.operator import NotFiniteCurvature
from backend.core.problems.problem import Data, Problem

MOST: Final = 2000  # parameters: the flow is stiff, and takes thousands of gradients


@dataclass(frozen=True)
class FlowEnd:
    """λ₁(H) at the end of the flow, NaN where it did not end; and the gradients that were spent on the way."""

    sharpness: float
    gradients: int


def unsupported_flow(problem: Problem) -> str | None:
    """Return None, or the sentence that says why the flow of this problem is not followed."""
    if problem.layout.size <= MOST:
        return None
    return (
        f"Gradient flow is followed to its end in problems of at most {MOST:,} parameters, and this one has "
        f"{problem.layout.size:,}; make the network smaller, or switch flow off."
    )


def end_of_flow(
    problem: Problem, moment: Moment, data: Data | None, generator: torch.Generator
) -> Generator[Tick, None, FlowEnd]:
    """Follow :func:`gradient_flow` from a moment to its end, in double precision, and measure λ₁(H) there.

    Args:
        problem: whose loss.
        moment: where the flow starts.
        data: the examples; None is the whole training split, or the function itself.
        generator: draws the start of the search.

    Yields:
        A tick after each step of the flow (six gradients) and after each product.

    Returns:
        What was found.
    """
    wide = Moment(moment.step, moment.params_P.double(), moment.buffers_B.double())
    data = in_format(problem.train if data is None else data, torch.float64)
    flow = gradient_flow(problem, wide, data)
    while True:
        try:
            next(flow)
        except StopIteration as ended:
            end = ended.value
            break
        yield TICK
    if not end.converged:
        return FlowEnd(math.nan, end.gradients)
    try:
        pairs = yield from ticking(lanczos(hessian(problem, end.moment, data), 1, generator, tol=1e-4))
    except NotFiniteCurvature:
        return FlowEnd(math.nan, end.gradients)
    return FlowEnd(pairs.sharpness, end.gradients)


def in_format(data: Data | None, dtype: torch.dtype) -> Data | None:
    """Return examples in a number format; classes stay what they are."""
    if data is None:
        return None
    return Data(data.x.to(dtype), data.y.to(dtype) if data.y.is_floating_point() else data.y)
