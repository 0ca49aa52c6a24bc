"""The plane of two of the variables themselves.

Shapes: P parameters.
"""

from backend.core.analyses.base import Moment
from backend.core.geometry.plane import Plane
from backend.core.problems.params import Layout
from backend.core.problems.problem import BatchNormPolicy, Problem
from backend.schemas.analysis import CoordinatePlane
from backend.schemas.events import Axis


def coordinate_plane(
    spec: CoordinatePlane,
    problem: Problem,
    origin: Moment,
    extent: float = 1.0,
    batchnorm: BatchNormPolicy = "frozen",
) -> Plane:
    """Lay the plane through two variables, the others as they are at the origin.

    For a function ±1 spans its view: variable = (low + high)/2 + (high − low)/2 · coordinate. For a network a
    coordinate is the parameter's own difference from the origin. The axes say so, so that the picture shows the
    variables' own values.

    Args:
        spec: which two variables; the problem has them (see ``unsupported_plane``).
        problem: whose variables they are.
        origin: gives the variables that are not shown, and for a network the middle.
        extent: how far the picture reaches, in units of u and v.
        batchnorm: which statistics BatchNorm uses on the plane.

    Returns:
        The plane.
    """
    middle_P = origin.params_P.clone()
    directions, axes = [], []
    for index in spec.axes:
        if problem.view is not None:
            low, high = problem.view.low[index], problem.view.high[index]
            label, middle, scale = problem.view.labels[index], (low + high) / 2, (high - low) / 2
        else:
            label, middle, scale = _name(problem.layout, index), middle_P[index].item(), 1.0
        middle_P[index] = middle
        direction_P = middle_P.new_zeros(len(middle_P))
        direction_P[index] = scale
        directions.append(direction_P)
        axes.append(Axis(label=label, offset=middle, scale=scale))
    moment = Moment(origin.step, middle_P, origin.buffers_B)
    u_P, v_P = directions
    return Plane("coordinates", moment, u_P, v_P, extent, batchnorm, axis_a=axes[0], axis_b=axes[1])


def _name(layout: Layout, index: int) -> str:
    """Name one value of the parameter vector, as in ``0.weight[17]``."""
    return next(f"{name}[{index - start}]" for name, _, start, end in layout.slices if start <= index < end)
