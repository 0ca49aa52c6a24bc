"""The plane through three points.

Shapes: P parameters.
"""

from collections.abc import Sequence
from typing import Final

import torch

from backend.core.analyses.base import Moment
from backend.core.analyses.failures import Unsupported
from backend.core.geometry.directions import exact
from backend.core.geometry.plane import Plane
from backend.core.problems.problem import BatchNormPolicy
from backend.schemas.events import Axis

REACH: Final = 0.8  # the points lie within ±REACH
FLAT: Final = 1e-6  # a triangle lower than this share of its base is a line


def three_points_plane(moments: Sequence[Moment], extent: float = 1.0, batchnorm: BatchNormPolicy = "frozen") -> Plane:
    """Lay the plane that holds three points A, B, C exactly.

    u runs from A to B, v at right angles to it towards C; both are as long as puts the triangle's box within ±0.8, and
    the origin is the middle of that box. Worked out in float64. The buffers are A's.

    Garipov et al. 2018, Loss surfaces, mode connectivity, and fast ensembling of DNNs, section 4.

    Args:
        moments: A, B and C; more are left out.
        extent: how far the picture reaches, in units of u and v.
        batchnorm: which statistics BatchNorm uses on the plane.

    Returns:
        The plane.

    Raises:
        Unsupported: where there are fewer than three points, or they lie on one line.
    """
    if len(moments) < 3:
        raise Unsupported(f"A plane through three points needs three points in at, and there are {len(moments)} here.")
    a_P, b_P, c_P = (exact(moment.params_P) for moment in moments[:3])
    base_P, side_P = b_P - a_P, c_P - a_P
    base = float(base_P.norm())
    along_P = base_P / base if base > 0 else base_P
    foot = float(side_P @ along_P)
    height_P = side_P - foot * along_P
    height = float(height_P.norm())
    if not (base > 0 and height > FLAT * max(base, float(side_P.norm()))):
        raise Unsupported(
            "The three points lie on one line or coincide, so many planes hold them; choose a third point beside "
            "the line, or draw a slice between two of them."
        )
    low, high = min(0.0, foot), max(base, foot)
    up_P = height_P / height
    middle_P = a_P + (low + high) / 2 * along_P + height / 2 * up_P
    place = moments[0].params_P
    u_P, v_P = along_P * ((high - low) / 2 / REACH), up_P * (height / 2 / REACH)
    return Plane(
        "three_points",
        Moment(moments[0].step, middle_P.to(place), moments[0].buffers_B),
        u_P.to(place),
        v_P.to(place),
        extent,
        batchnorm,
        axis_a=Axis(label="from the first point to the second", scale=float(u_P.norm())),
        axis_b=Axis(label="towards the third", scale=float(v_P.norm())),
    )


def parallel(plane: Plane) -> str | None:
    """Return None, or the sentence that says why two directions span no plane: one is zero, or they are parallel."""
    u_P, v_P = exact(plane.u_P), exact(plane.v_P)
    for name, direction_P in (("first", u_P), ("second", v_P)):
        if not float(direction_P.norm()) > 0:
            return (
                f"The {name} direction of this plane is zero, so it spans no plane; a zero gradient, or weights that "
                "are all zero under a normalisation, give that. Take another kind of plane, or another step."
            )
    pair_2P = torch.stack([u_P / u_P.norm(), v_P / v_P.norm()])
    if float(torch.linalg.svdvals(pair_2P)[-1]) < FLAT:
        return (
            "The two directions of this plane are parallel, so they span no plane; take another kind of plane, or "
            "another step."
        )
    return None
