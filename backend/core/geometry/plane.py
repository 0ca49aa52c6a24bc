"""Planes through parameter space: θ = origin + a·u + b·v.

Shapes: P parameters, n points.
"""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final, NamedTuple

import torch
from torch import Tensor

from backend.core.analyses.base import Moment
from backend.core.geometry.directions import exact
from backend.core.geometry.evaluate import Span
from backend.core.problems.problem import BatchNormPolicy
from backend.schemas import events

BLOCK: Final = 100_000  # most values of a batch that are held in float64 at once: what fits in a core's cache
PARALLEL: Final = 1e-12  # singular values of two unit vectors below this are rounding


class Projection(NamedTuple):
    """Where n points lie, in float64: coordinates on the plane and the distance to it."""

    a_n: Tensor
    b_n: Tensor
    off_plane_n: Tensor


@dataclass(frozen=True, eq=False)
class Plane:
    """An origin and two directions of any lengths and angle, in the problem's number format; never written to."""

    kind: str
    origin: Moment  # its buffers are what frozen BatchNorm uses on the whole plane
    u_P: Tensor
    v_P: Tensor
    extent: float = 1.0
    batchnorm: BatchNormPolicy = "frozen"
    normalization: str | None = None
    bias: str | None = None
    explained: tuple[float, float] | None = None
    axis_a: events.Axis = field(default_factory=lambda: events.Axis(label="direction 1"))
    axis_b: events.Axis = field(default_factory=lambda: events.Axis(label="direction 2"))
    kept_as: str | None = None  # the id under which another run has kept it

    @cached_property
    def id(self) -> str:
        """Name of the contents, 12 hexadecimal digits: the same plane has the same id everywhere."""
        if self.kept_as is not None:
            return self.kept_as
        digest = hashlib.blake2b(digest_size=6)
        digest.update(f"{self.kind} {self.extent!r} {self.batchnorm} {self.u_P.dtype}".encode())
        for tensor in (self.origin.params_P, self.origin.buffers_B, self.u_P, self.v_P):
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    @cached_property
    def span(self) -> Span:
        """The plane's points by their coefficients (a, b)."""
        return Span(self.origin.params_P, self.origin.buffers_B, (self.u_P, self.v_P))

    def embed(self, a: float, b: float) -> Tensor:
        """Return the parameters origin + a·u + b·v, [P]; the origin itself, bit for bit, at (0, 0)."""
        return self.span.embed((a, b))

    def project(self, params_nP: Tensor) -> Projection:
        """Find the nearest points of the plane.

        (a, b) = argmin ‖θ − origin − a·u − b·v‖ solves the 2×2 Gram system
        [u·u, u·v; v·u, v·v](a, b) = (u·δ, v·δ) with δ = θ − origin, so it is right for directions of any lengths and
        angle; for parallel ones it is a solution all the same. It is solved through an orthonormal basis, which
        does not square the condition number, and the distance off the plane is the norm of the residual itself, not
        a difference of squares. All in float64.

        Args:
            params_nP: points [n, P], or one point [P].

        Returns:
            Columns [n] (n = 1 for one point); NaN for a point that is not finite.
        """
        params_nP = params_nP.reshape(-1, self.u_P.numel())
        rows = max(1, BLOCK // self.u_P.numel())
        found_n3 = torch.cat([self._project(part_mP) for part_mP in torch.split(params_nP, rows)])
        return Projection(*found_n3.unbind(dim=1))

    def _project(self, params_mP: Tensor) -> Tensor:
        axes_2P, solve_22 = self._solver
        delta_mP = exact(params_mP) - self._origin_P
        along_m2 = delta_mP @ axes_2P.T
        residual_mP = torch.addmm(delta_mP, along_m2, axes_2P, alpha=-1)
        off_m1 = torch.linalg.vector_norm(residual_mP, dim=1, keepdim=True)
        return torch.cat([along_m2 @ solve_22, off_m1], dim=1)

    @cached_property
    def _origin_P(self) -> Tensor:
        return exact(self.origin.params_P)

    @cached_property
    def _lengths(self) -> tuple[float, float]:
        return exact(self.u_P).norm().item(), exact(self.v_P).norm().item()

    @cached_property
    def _solver(self) -> tuple[Tensor, Tensor]:
        """Orthonormal axes of the plane [2, P], and the matrix that turns coordinates along them into (a, b).

        With u and v first made unit vectors, [u; v] = U·S·A (the thin singular value decomposition) has the axes A,
        and (a, b) = (U·S⁻¹·A·δ) / lengths. Of parallel directions the second axis is zero.
        """
        length_21 = torch.tensor(self._lengths, dtype=torch.float64, device=self._origin_P.device)[:, None]
        length_21 = torch.where(length_21 > 0, length_21, torch.ones_like(length_21))
        unit_2P = torch.stack([exact(self.u_P), exact(self.v_P)]) / length_21
        turn_22, size_2, axes_2P = torch.linalg.svd(unit_2P, full_matrices=False)
        real_2 = size_2 > PARALLEL
        inverse_2 = torch.where(real_2, 1 / size_2.clamp(min=PARALLEL), torch.zeros_like(size_2))
        return axes_2P * real_2[:, None], (turn_22 * inverse_2 / length_21).T

    def event(self, step: int | None = None, point: int | None = None) -> events.Plane:
        """Describe the plane on the wire."""
        return events.Plane(
            step=step,
            point=point,
            plane=self.id,
            kind_of_plane=self.kind,
            normalization=self.normalization,
            bias=self.bias,
            batchnorm=self.batchnorm,
            extent=self.extent,
            u_norm=self._lengths[0],
            v_norm=self._lengths[1],
            explained=self.explained,
            axis_a=self.axis_a,
            axis_b=self.axis_b,
        )
