"""Trace and diagonal of a symmetric operator, by random probes.

Shapes: P parameters, S probes.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from backend.core.curvature.operator import SymmetricOperator


class Estimate(NamedTuple):
    """A mean over probes and its standard error (infinite for a single probe)."""

    value: float
    stderr: float


@dataclass(frozen=True, eq=False)
class TraceAndDiagonal:
    """What the probes so far say; one product each."""

    trace: Estimate
    diagonal_P: Tensor
    diagonal_stderr_P: Tensor
    products: int


def hutchinson(
    operator: SymmetricOperator, probes: int, generator: torch.Generator
) -> Generator[TraceAndDiagonal, None, TraceAndDiagonal]:
    """Estimate tr A = E[vᵀAv] and diag A = E[v ⊙ Av] with Rademacher probes v (entries ±1, each with chance 1/2).

    Both are unbiased. A single probe has variance 2·(‖A‖_F² − Σᵢ Aᵢᵢ²) for the trace and Σ_{j≠i} Aᵢⱼ² for the i-th
    diagonal entry, so a diagonal matrix is exact with one probe. Standard errors are √(variance of the probes/S), with
    ddof 1.

    Cost: one product a probe; 4 vectors of P.

    Hutchinson 1990, A stochastic estimator of the trace of the influence matrix; Bekas, Kokiopoulou & Saad 2007, An
    estimator for the diagonal of a matrix.

    Args:
        operator: A.
        probes: S.
        generator: draws the probes, on the CPU.

    Yields:
        The estimates after each probe.

    Returns:
        The last of them.

    Raises:
        ValueError: where there is no probe.
    """
    require_probes(probes)
    traces: list[float] = []
    mean_P = torch.zeros(operator.size, dtype=operator.dtype, device=operator.device)
    spread_P = torch.zeros_like(mean_P)  # Σ (x − mean)², Welford's way
    while True:
        probe_P = rademacher(operator, generator)
        parts_P = probe_P * operator.apply(probe_P.unsqueeze(0))[0]
        traces.append(float(parts_P.double().sum()))
        count = len(traces)
        before_P = parts_P - mean_P
        mean_P = mean_P + before_P / count
        spread_P = spread_P + before_P * (parts_P - mean_P)
        variance_P = spread_P / (count - 1) if count > 1 else torch.full_like(spread_P, torch.inf)
        found = TraceAndDiagonal(mean_of(traces), mean_P, (variance_P / count).sqrt(), count)
        yield found
        if count == probes:
            return found


def mean_of(values: list[float]) -> Estimate:
    """Return the mean of independent values and its standard error."""
    drawn = torch.tensor(values, dtype=torch.float64)
    stderr = float(drawn.std() / len(values) ** 0.5) if len(values) > 1 else float("inf")
    return Estimate(float(drawn.mean()), stderr)


def rademacher(operator: SymmetricOperator, generator: torch.Generator) -> Tensor:
    """Draw a vector [P] of independent signs, the same on every device."""
    signs = torch.randint(0, 2, (operator.size,), generator=generator, dtype=torch.int8)
    return (2 * signs - 1).to(operator.dtype).to(operator.device)


def require_probes(probes: int) -> None:
    """Refuse an estimate from nothing.

    Raises:
        ValueError: where there is no probe.
    """
    if probes < 1:
        raise ValueError(f"expected 1 probe or more, got {probes}; 10 give a standard error worth having")
