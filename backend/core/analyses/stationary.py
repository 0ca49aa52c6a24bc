"""The stationary points of a function that walks end at: known minima first, others as they are found.

Shapes: N ends, P variables, K points.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.core.problems.function import FunctionMinimisation

NOWHERE: Final = -1  # near none of them
DIVERGED: Final = -2
MOST: Final = 200  # points that are told apart
AT_MINIMUM: Final = 1e-6  # of the function's value above its known minimum: there is a curve of minima
SINGULAR: Final = 1e-4  # curvatures below this share of the largest are none
POLISH: Final = 6  # Newton steps from an end to its stationary point
STILL: Final = 1e-6  # of the gradient there, as a share of the largest curvature times the radius


class StationaryPoints:
    """Where a function is stationary, as far as ends have shown.

    An end belongs to a point that is within the radius. Where Newton's method leads from an end to a stationary point
    within the radius that is not in the list yet, that point joins it. An end as low as the known minimum, but beside
    none of the points, lies on a curve of minima, and belongs to the nearest one known.

    Args:
        function: whose.
        radius: r.
    """

    def __init__(self, function: FunctionMinimisation, radius: float) -> None:
        self._function, self._radius = function, radius
        size = function.layout.size
        known = [torch.tensor(point, dtype=torch.float64) for point in function.known.minima if len(point) == size]
        self._known = len(known)
        self.points_KP = torch.stack(known) if known else torch.empty(0, size, dtype=torch.float64)
        self.kinds = ["minimum"] * len(known)

    def assign(self, ends_NP: Tensor, diverged_N: Tensor) -> NDArray[np.int32]:
        """Return the number of each end's point, [N]; ``NOWHERE`` and ``DIVERGED`` for those without."""
        ends_NP = ends_NP.to("cpu", torch.float64)
        found_N = np.full(len(ends_NP), NOWHERE, np.int32)
        for row, end_P in enumerate(ends_NP):
            found_N[row] = DIVERGED if bool(diverged_N[row]) else self._place(end_P)
        return found_N

    def losses(self) -> Tensor:
        """Return the function's values [K] at the points."""
        return self._function.known.value(self.points_KP)

    def _place(self, end_P: Tensor) -> int:
        near = self._nearest(end_P)
        if near != NOWHERE:
            return near
        lowest = self._function.known.minimum
        value = float(self._function.known.value(end_P))
        if lowest is not None and self._known and value - lowest <= AT_MINIMUM * max(1.0, abs(lowest)):
            return int(torch.linalg.vector_norm(self.points_KP[: self._known] - end_P, dim=1).argmin())
        return self._beside(end_P)

    def _nearest(self, point_P: Tensor) -> int:
        if not len(self.points_KP):
            return NOWHERE
        away_K = torch.linalg.vector_norm(self.points_KP - point_P, dim=1)
        near = int(away_K.argmin())
        return near if float(away_K[near]) <= self._radius else NOWHERE

    def _beside(self, end_P: Tensor) -> int:
        """Go to where the gradient vanishes, by Newton's method, if that is near; and look there."""
        point_P = end_P
        for _ in range(POLISH):
            grad_P, hessian_PP = self._slopes(point_P)
            if not bool(torch.isfinite(hessian_PP).all() and torch.isfinite(grad_P).all()):
                return NOWHERE
            curvatures_P, axes_PP = torch.linalg.eigh(hessian_PP)
            if float(curvatures_P.abs().min()) <= SINGULAR * float(curvatures_P.abs().max()):
                return NOWHERE
            point_P = point_P - axes_PP @ ((axes_PP.T @ grad_P) / curvatures_P)
            if not float(torch.linalg.vector_norm(point_P - end_P)) <= self._radius:
                return NOWHERE
        grad_P, _ = self._slopes(point_P)
        if float(torch.linalg.vector_norm(grad_P)) > STILL * float(curvatures_P.abs().max()) * self._radius:
            return NOWHERE
        near = self._nearest(point_P)
        if near != NOWHERE or len(self.points_KP) >= MOST:
            return near
        self.points_KP = torch.cat((self.points_KP, point_P.unsqueeze(0)))
        below = int((curvatures_P < 0).sum())
        self.kinds.append("minimum" if below == 0 else "maximum" if below == len(curvatures_P) else "saddle")
        return len(self.kinds) - 1

    def _slopes(self, point_P: Tensor) -> tuple[Tensor, Tensor]:
        leaf_P = point_P.clone().requires_grad_()
        (grad_P,) = torch.autograd.grad(self._function.known.value(leaf_P), leaf_P)
        return grad_P, self._function.known.hessian(point_P)
