"""Lines through parameter space: θ = θ₀ + t·d, one or several directions from one point.

Shapes: P parameters, M directions.
"""

from collections.abc import Generator
from dataclasses import dataclass

import torch
from torch import Tensor

from backend.core.analyses.base import Moment, Tick
from backend.core.analyses.failures import Unsupported
from backend.core.geometry.directions import exact, gaussian, normalized
from backend.core.geometry.eigen_plane import top_vectors
from backend.core.geometry.evaluate import Span
from backend.core.problems.problem import Data, Problem
from backend.core.runtime.seeding import generator
from backend.schemas.analysis import AnyLine, BetweenLine, EigenLine, RandomLine


@dataclass(frozen=True, eq=False)
class Line:
    """Directions [M, P] in the problem's number format, from one moment; ``label`` says what they are."""

    label: str
    origin: Moment  # its buffers are what frozen BatchNorm uses all along
    directions_MP: Tensor

    @property
    def length(self) -> float:
        """Mean length of the directions: the distance in parameter space of one unit of t."""
        return float(exact(self.directions_MP).norm(dim=1).mean())

    @property
    def spans(self) -> tuple[Span, ...]:
        """The points θ₀ + t·d of each direction by their coefficient t."""
        return tuple(Span(self.origin.params_P, self.origin.buffers_B, (d_P,)) for d_P in self.directions_MP)


def random_line(spec: RandomLine, problem: Problem, origin: Moment, seed: int) -> Line:
    """Draw Gaussian directions and scale each to the origin's weights; those of a function are unit vectors.

    Li et al. 2018, Visualizing the loss landscape of neural nets, section 4.

    Args:
        spec: how many, how they are normalised, and what becomes of biases.
        problem: whose parameters they are.
        origin: where they start.
        seed: of the request; direction i is the same whatever their number.

    Returns:
        The line.
    """
    place, rows = origin.params_P, []
    for i in range(spec.directions):
        d_P = gaussian(problem.layout.size, generator(seed, "slice", i))
        if problem.view is not None:
            rows.append((d_P / d_P.norm()).to(place))
        else:
            rows.append(normalized(d_P, place, problem.layout, spec.normalization, spec.bias).to(place))
    many = f"{spec.directions} random directions" if spec.directions > 1 else "random direction"
    scaled = {"filter": ", scaled by filter", "layer": ", scaled by layer", "none": ""}[spec.normalization]
    biased = ", biases too" if spec.bias == "copy" else ""
    return Line(many + ("" if problem.view is not None else scaled + biased), origin, torch.stack(rows))


def eigen_line(
    spec: EigenLine, problem: Problem, origin: Moment, seed: int, data: Data | None = None
) -> Generator[Tick, None, Line]:
    """Search an eigenvector of the Hessian.

    Args:
        spec: which one, and the tolerance and budget of the search.
        problem: whose loss.
        origin: where.
        seed: of the request.
        data: the examples that the Hessian is of.

    Yields:
        A tick after each product.

    Returns:
        The line; its label states the eigenvalue.

    Raises:
        Unsupported: where there are not so many eigenvectors.
    """
    if spec.rank > problem.layout.size:
        raise Unsupported(
            f"rank asks for eigenvector {spec.rank}, and this problem has {problem.layout.size} parameters."
        )
    found = yield from top_vectors(problem, origin, spec.rank, generator(seed, "slice"), data, spec.tol, spec.budget)
    doubt = "" if found.converged else f" ± {found.residual:.1g}, not converged"
    label = f"eigenvector {spec.rank}, λ = {found.values_K[-1]:.4g}{doubt}"
    return Line(label, origin, found.vectors_KP[-1:].to(origin.params_P))


def between(one: Moment, other: Moment, names: tuple[str, str]) -> Line:
    """Lay the line from one moment, at t = 0, to another, at t = 1.

    Args:
        one: where it starts; its buffers hold all along.
        other: where it goes.
        names: what the two are called.

    Returns:
        The line.

    Raises:
        Unsupported: where the two are the same.
    """
    direction_P = (exact(other.params_P) - exact(one.params_P)).to(one.params_P)
    if not float(exact(direction_P).norm()) > 0:
        raise Unsupported("The two points are the same, so there is no line between them; choose another lane or step.")
    return Line(f"from {names[0]} to {names[1]}", one, direction_P.unsqueeze(0))


def points_needed(line: AnyLine) -> int:
    """Return how many points of a request a line takes."""
    return 2 if isinstance(line, BetweenLine) else 1
