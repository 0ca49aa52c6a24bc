"""The spectral density of a symmetric operator, by stochastic Lanczos quadrature.

Shapes: P parameters, S probes, M Lanczos steps, G points of a grid.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from backend.core.curvature.hutchinson import Estimate, mean_of, rademacher, require_probes
from backend.core.curvature.operator import SymmetricOperator
from backend.core.curvature.subspace import ROUNDING

POINTS: Final = 321  # of the grid: every third of σ, where the range of the nodes is 100 σ
SMOOTH: Final = 0.01  # the Gaussians' width σ as a share of the range of the nodes
REACH: Final = 6.0  # σ that the grid goes beyond the outermost nodes; what is cut off is below 10⁻⁸
SMALLEST_WIDTH: Final = 1e-6  # of σ, as a share of the largest |node|: a spectrum of one value has no range


@dataclass(frozen=True, eq=False)
class Quadrature:
    """One probe's nodes θ and weights τ² (which sum to 1): Σ τ²·f(θ) ≈ vᵀf(A)v / ‖v‖²."""

    nodes_M: Tensor  # float64, on the CPU, ascending
    weights_M: Tensor

    def integral(self, power: int) -> float:
        """Σ τ²·θ^power."""
        return float((self.weights_M * self.nodes_M**power).sum())


@dataclass(frozen=True, eq=False)
class Density:
    """An estimate of the spectrum as a density that integrates to 1, from the probes so far."""

    probes: tuple[Quadrature, ...]
    size: int  # P
    products: int

    def moment(self, power: int) -> Estimate:
        """(1/P) tr A^power, exact in expectation up to 2M − 1: the mean eigenvalue, then ‖A‖_F²/P, and so on."""
        return mean_of([probe.integral(power) for probe in self.probes])

    @property
    def trace(self) -> Estimate:
        """The trace of A."""
        mean = self.moment(1)
        return Estimate(self.size * mean.value, self.size * mean.stderr)

    def share_below(self, value: float) -> Estimate:
        """Share of the eigenvalues below a value: the cumulative distribution."""
        return mean_of([float(probe.weights_M[probe.nodes_M < value].sum()) for probe in self.probes])

    @property
    def width(self) -> float:
        """σ of the Gaussians that :meth:`curve` broadens the nodes with by default."""
        nodes = torch.cat([probe.nodes_M for probe in self.probes])
        extent = float(nodes.max() - nodes.min())
        largest = float(nodes.abs().max()) or 1.0  # of a matrix of zeros the peak is drawn as if it were one of ones
        return max(SMOOTH * extent, SMALLEST_WIDTH * largest)

    def grid(self, points: int = POINTS) -> Tensor:
        """Return evenly spaced points [G] that reach 6σ beyond the outermost nodes."""
        nodes = torch.cat([probe.nodes_M for probe in self.probes])
        reach = REACH * self.width
        return torch.linspace(float(nodes.min()) - reach, float(nodes.max()) + reach, points, dtype=torch.float64)

    def curve(self, grid_G: Tensor, width: float | None = None) -> Tensor:
        """f(t) = (1/S) Σ_s Σ_m τ²_sm · N(t; θ_sm, σ²) on a grid [G]."""
        sigma = self.width if width is None else width
        total_G = torch.zeros_like(grid_G)
        for probe in self.probes:
            away_GM = (grid_G.unsqueeze(1) - probe.nodes_M) / sigma
            total_G += torch.exp(-0.5 * away_GM**2) @ probe.weights_M
        return total_G / (len(self.probes) * sigma * math.sqrt(2 * math.pi))


def slq(
    operator: SymmetricOperator, steps: int, probes: int, generator: torch.Generator
) -> Generator[Density | None, None, Density]:
    """Estimate the spectral density with S Rademacher probes of M Lanczos steps each.

    Lanczos from v/‖v‖ gives a tridiagonal T [M, M]; its eigenvalues are the nodes θ, and the squares of the first
    entries of its eigenvectors are the weights τ² of a Gauss quadrature, exact for polynomials of degree 2M − 1. Full
    reorthogonalisation, done twice, so that no node comes twice.

    Cost: S·M products and about 8·S·M²·P/2 flops; M vectors of P.

    Lin, Saad & Yang 2016, Approximating spectral densities of large matrices; Ghorbani, Krishnan & Xiao 2019, An
    investigation into neural net optimization via Hessian eigenvalue density.

    Args:
        operator: A.
        steps: M, at most P.
        probes: S.
        generator: draws the probes, on the CPU.

    Yields:
        The density so far after each probe, None after each other product.

    Returns:
        The density.

    Raises:
        ValueError: where there is no probe or no step.
    """
    require_probes(probes)
    if steps < 1:
        raise ValueError(f"expected 1 Lanczos step or more, got {steps}; 50 show bulk and outliers")
    steps = min(steps, operator.size)
    basis_MP = torch.empty(steps, operator.size, dtype=operator.dtype, device=operator.device)
    found: list[Quadrature] = []
    products = 0
    while True:
        diagonal: list[float] = []
        beside: list[float] = []
        vector_P = rademacher(operator, generator)
        basis_MP[0] = vector_P / vector_P.norm()
        while True:
            step = len(diagonal)
            image_P = operator.apply(basis_MP[step : step + 1])[0]
            products += 1
            diagonal.append(float(image_P @ basis_MP[step]))
            whole = float(image_P.norm())
            for _ in range(2):
                image_P = image_P - basis_MP[: step + 1].T @ (basis_MP[: step + 1] @ image_P)
            left = float(image_P.norm())
            if step + 1 == steps or left <= ROUNDING * torch.finfo(operator.dtype).eps * whole:
                break
            beside.append(left)
            basis_MP[step + 1] = image_P / left
            yield None
        found.append(_quadrature(diagonal, beside))
        density = Density(tuple(found), operator.size, products)
        yield density
        if len(found) == probes:
            return density


def _quadrature(diagonal: list[float], beside: list[float]) -> Quadrature:
    T = torch.diag(torch.tensor(diagonal, dtype=torch.float64))
    off = torch.tensor(beside, dtype=torch.float64)
    T += torch.diag(off, 1) + torch.diag(off, -1)
    nodes_M, vectors_MM = torch.linalg.eigh(T)
    return Quadrature(nodes_M, vectors_MM[0] ** 2)
