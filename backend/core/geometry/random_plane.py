"""The plane of two random directions.

Shapes: P parameters.
"""

from typing import Final

import torch
from torch import Generator, Tensor

from backend.core.analyses.base import Moment
from backend.core.geometry.directions import gaussian, normalized
from backend.core.geometry.plane import Plane
from backend.core.problems.problem import BatchNormPolicy, Problem, View
from backend.schemas.analysis import RandomPlane

SPAN: Final = 0.5  # of a function's box: ±1 along a direction covers as much as the box is wide


def random_plane(
    spec: RandomPlane,
    problem: Problem,
    origin: Moment,
    generator: Generator,
    extent: float = 1.0,
    batchnorm: BatchNormPolicy = "frozen",
) -> Plane:
    """Draw two Gaussian directions and scale them to the origin's weights, filter by filter unless the spec says else.

    An analytic function has no filters: there each direction is made as long as half the mean width of the function's
    box, d ← d·w/‖d‖, and the plane states no normalisation.

    Li et al. 2018, Visualizing the loss landscape of neural nets, section 4.

    Args:
        spec: the normalisation, and what becomes of biases.
        problem: whose parameters they are.
        origin: the middle of the plane.
        generator: draws u, then v.
        extent: how far the picture reaches, in units of u and v.
        batchnorm: which statistics BatchNorm uses on the plane.

    Returns:
        The plane.
    """
    size = problem.layout.size
    drawn = [gaussian(size, generator), gaussian(size, generator)]
    place = origin.params_P
    if problem.view is not None:
        u_P, v_P = (_spanning(d_P, problem.view).to(place) for d_P in drawn)
        return Plane("random", origin, u_P, v_P, extent, batchnorm)
    u_P, v_P = (normalized(d_P, place, problem.layout, spec.normalization, spec.bias).to(place) for d_P in drawn)
    return Plane("random", origin, u_P, v_P, extent, batchnorm, spec.normalization, spec.bias)


def _spanning(direction_P: Tensor, view: View) -> Tensor:
    widths = [high - low for low, high in zip(view.low, view.high, strict=True)]
    length = SPAN * sum(widths) / len(widths)
    scaled_P: Tensor = direction_P * (length / torch.linalg.vector_norm(direction_P))
    return scaled_P
