"""The planes of the Hessian's top eigenvectors, and of the gradient beside the top one.

Shapes: P parameters, K eigenvectors.
"""

import math
from collections.abc import Generator
from typing import Final, NamedTuple

import torch
from torch import Tensor

from backend.core.analyses.base import ALIVE, Moment, Tick
from backend.core.curvature.eigenpairs import Eigenpairs
from backend.core.curvature.hvp import hessian
from backend.core.curvature.lanczos import lanczos
from backend.core.geometry.directions import exact
from backend.core.geometry.plane import Plane
from backend.core.problems.problem import BatchNormPolicy, Data, Problem
from backend.schemas.analysis import EigenPlane, GradientEigenPlane
from backend.schemas.events import Axis

DENSE: Final = 64  # parameters up to which the whole Hessian is formed
SUBSCRIPTS: Final = "₁₂₃₄₅₆₇₈₉"


class TopVectors(NamedTuple):
    """The algebraically largest eigenvalues [K] with their unit eigenvectors [K, P], and the largest residual."""

    values_K: Tensor
    vectors_KP: Tensor
    residual: float
    converged: bool


def top_vectors(
    problem: Problem,
    moment: Moment,
    k: int,
    generator: torch.Generator,
    data: Data | None = None,
    tol: float = 1e-3,
    budget: int = 1000,
) -> Generator[Tick, None, TopVectors]:
    """Find the eigenvectors of H = ∇²L with the algebraically largest eigenvalues; a tick after each product.

    Each eigenvector's largest component is positive, so that the same point gives the same picture.

    Args:
        problem: whose loss.
        moment: where.
        k: how many, at most P.
        generator: draws the starting vectors.
        data: the examples; None is all of the training split.
        tol: the relative residual at which an eigenvector counts as found.
        budget: most products with the Hessian.

    Yields:
        Ticks.

    Returns:
        What was found; not ``converged`` where the budget was spent first.
    """
    operator = hessian(problem, moment, data)
    if operator.size <= DENSE:
        rows = []
        for row_P in torch.eye(operator.size, dtype=operator.dtype, device=operator.device):
            rows.append(operator.apply(row_P.unsqueeze(0)))
            yield ALIVE
        dense_PP = exact(torch.cat(rows))
        values_P, columns_PP = torch.linalg.eigh((dense_PP + dense_PP.T) / 2)
        vectors_KP = columns_PP.T.flip(0)[:k]
        return TopVectors(values_P.flip(0)[:k].cpu(), _pointed(vectors_KP), 0.0, True)
    search = lanczos(operator, k, generator, tol=tol, budget=budget)
    while True:
        try:
            next(search)
        except StopIteration as end:
            pairs: Eigenpairs = end.value
            return TopVectors(
                pairs.values_K, _pointed(exact(pairs.vectors_KP)), float(pairs.residuals_K.max()), pairs.converged
            )
        yield ALIVE


def eigen_plane(
    spec: EigenPlane,
    problem: Problem,
    origin: Moment,
    generator: torch.Generator,
    data: Data | None = None,
    extent: float = 1.0,
    batchnorm: BatchNormPolicy = "frozen",
) -> Generator[Tick, None, Plane]:
    """Lay the plane of v₁ and v₂: H·v = λ·v with the two algebraically largest λ, ‖v‖ = 1.

    Near the origin f(a, b) ≈ L + g·(a·v₁ + b·v₂) + ½(λ₁a² + λ₂b²). A coordinate is a distance in parameter space.

    Li et al. 2018, Visualizing the loss landscape of neural nets, section 6.

    Args:
        spec: tolerance and budget of the search.
        problem: whose loss.
        origin: the middle of the plane.
        generator: draws the search's starting vectors.
        data: the examples that the Hessian is of.
        extent: how far the picture reaches.
        batchnorm: which statistics BatchNorm uses on the plane; the Hessian is that of the frozen ones.

    Yields:
        A tick after each product.

    Returns:
        The plane; its axes state the eigenvalues, and say so where they have not converged.
    """
    found = yield from top_vectors(problem, origin, 2, generator, data, spec.tol, spec.budget)
    u_P, v_P = found.vectors_KP.to(origin.params_P)
    axes = [
        Axis(label=f"v{SUBSCRIPTS[k]} (λ{SUBSCRIPTS[k]} = {found.values_K[k]:.4g}{_doubt(found)})") for k in range(2)
    ]
    return Plane("eigen", origin, u_P, v_P, extent, batchnorm, axis_a=axes[0], axis_b=axes[1])


def gradient_eigen_plane(
    spec: GradientEigenPlane,
    problem: Problem,
    origin: Moment,
    generator: torch.Generator,
    data: Data | None = None,
    extent: float = 1.0,
    batchnorm: BatchNormPolicy = "frozen",
) -> Generator[Tick, None, Plane]:
    """Lay the plane of u = g/‖g‖ and v = v₁, the top eigenvector of the Hessian; they are seldom at right angles.

    Args:
        spec: tolerance and budget of the search.
        problem: whose loss.
        origin: the middle of the plane.
        generator: draws the search's starting vectors.
        data: the examples that gradient and Hessian are of.
        extent: how far the picture reaches.
        batchnorm: which statistics BatchNorm uses on the plane; gradient and Hessian are those of the frozen ones.

    Yields:
        A tick after each product.

    Returns:
        The plane; its axes state ‖g‖, λ₁ and the angle between them. Where the gradient is zero, so is u.
    """
    params_P = origin.params_P.detach().clone().requires_grad_(True)
    (grad_P,) = torch.autograd.grad(problem.loss(params_P, origin.buffers_B, data), params_P)
    yield ALIVE
    found = yield from top_vectors(problem, origin, 1, generator, data, spec.tol, spec.budget)
    g_P, v_P = exact(grad_P), found.vectors_KP[0]
    norm = float(g_P.norm())
    u_P = g_P / norm if norm > 0 else g_P
    degrees = math.degrees(math.acos(min(1.0, abs(float(u_P @ v_P)))))
    place = origin.params_P
    return Plane(
        "gradient_eigen",
        origin,
        u_P.to(place),
        v_P.to(place),
        extent,
        batchnorm,
        axis_a=Axis(label=f"gradient (‖g‖ = {norm:.4g})"),
        axis_b=Axis(label=f"v₁ (λ₁ = {found.values_K[0]:.4g}{_doubt(found)}), at {degrees:.0f}° to it"),
    )


def _pointed(vectors_KP: Tensor) -> Tensor:
    largest_K1 = vectors_KP.abs().argmax(dim=1, keepdim=True)
    return vectors_KP * vectors_KP.gather(1, largest_K1).sign()


def _doubt(found: TopVectors) -> str:
    return "" if found.converged else f" ± {found.residual:.1g}, not converged"
