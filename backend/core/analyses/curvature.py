"""What the analyses of curvature share: the operator at a point, and where an event belongs."""

from collections.abc import Generator, Iterator
from typing import NamedTuple, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.core.analyses.base import TICK, Context, Point, Tick
from backend.core.analyses.places import points_of
from backend.core.curvature.eigenpairs import Eigenpairs, Estimates
from backend.core.curvature.ggn import gauss_newton
from backend.core.curvature.hvp import hessian
from backend.core.curvature.operator import Difference, SymmetricOperator
from backend.core.geometry.evaluate import sample
from backend.core.problems.problem import Problem
from backend.core.runtime.seeding import generator
from backend.schemas.analysis.curvature import Matrix


class Where(TypedDict):
    """The fields of an event that say what it is about; ``point`` is None in a race."""

    lane: str | None
    repeat: int
    step: int | None
    point: int | None


class Site(NamedTuple):
    """A point to work at, and the stream that its random vectors come from."""

    where: Where
    point: Point
    generator: torch.Generator


def sites(problem: Problem, ctx: Context, name: str) -> Iterator[Site]:
    """Yield the points of a request, each with its own random stream, named after the analysis."""
    for index, point in enumerate(points_of(problem, ctx)):
        told = Where(lane=point.resolved.lane, repeat=point.resolved.repeat, step=point.moment.step, point=index)
        yield Site(told, point, generator(ctx.seed, name, index))


def operator_at(problem: Problem, point: Point, matrix: Matrix, data_fraction: float) -> SymmetricOperator:
    """Make H, G or H − G of the loss on the front of the training split.

    Args:
        problem: whose loss.
        point: where.
        matrix: which of them.
        data_fraction: share of the training split.

    Returns:
        The operator; a product with H − G costs one with each of the two.

    Raises:
        NotFinite: where the point's parameters are not finite.
        Unsupported: where the loss changes between two evaluations.
    """
    data = sample(problem, data_fraction).data
    match matrix:
        case "hessian":
            return hessian(problem, point.moment, data)
        case "gauss_newton":
            return gauss_newton(problem, point.moment, data)
        case "residual":
            return Difference(hessian(problem, point.moment, data), gauss_newton(problem, point.moment, data))


def ticking(search: Generator[Estimates | None, None, Eigenpairs]) -> Generator[Tick, None, Eigenpairs]:
    """Run a search to its end without a word.

    Yields:
        A tick after each product or block of products.

    Returns:
        What it found.
    """
    while True:
        try:
            next(search)
        except StopIteration as end:
            pairs: Eigenpairs = end.value
            return pairs
        yield TICK


def unsupported_matrix(problem: Problem, matrix: Matrix) -> str | None:
    """Return None, or the sentence that says why this problem has no such matrix, or no certain one."""
    if matrix != "hessian" and problem.train is None:
        return "A Gauss–Newton matrix needs a network with outputs, and this problem is a function; take the Hessian."
    return problem.check_deterministic()


def column(values: Tensor, problem: Problem) -> NDArray[np.generic]:
    """Bring numbers to the wire, in the problem's number format."""
    array: NDArray[np.generic] = values.to(problem.dtype).cpu().numpy()
    return array
