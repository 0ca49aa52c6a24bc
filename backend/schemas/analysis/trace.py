"""The sum of all eigenvalues."""

from typing import Literal

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.analysis.curvature import Matrix, matrix, probes
from backend.schemas.analysis.fields import data_fraction
from backend.schemas.fields import kind_of


class TraceAnalysis(AnalysisSpec):
    """Hutchinson's estimate of the trace, with its standard error, probe by probe."""

    title = "Trace"
    summary = "The sum of all curvatures: how sharp a place is on average over directions."
    equation = "tr H = E[vᵀHv], v of random signs"
    reference = "Hutchinson 1990, A stochastic estimator of the trace of the influence matrix"
    kind: Literal["trace"] = kind_of("trace")
    matrix: Matrix = matrix()
    probes: int = probes(30)
    data_fraction: float = data_fraction()
