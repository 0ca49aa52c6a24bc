"""Eigenvalues at the ends of the spectrum."""

from typing import Literal

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.analysis.curvature import Matrix, budget, matrix, tolerance
from backend.schemas.analysis.fields import data_fraction
from backend.schemas.fields import described, kind_of


class TopEigenvaluesAnalysis(AnalysisSpec):
    """The algebraically largest or smallest eigenvalues, multiple ones as often as they are."""

    title = "Top eigenvalues"
    summary = "The largest (or smallest) curvatures of the loss and how exactly they are known."
    equation = "H v = λ v, H = ∇²L(θ)"
    reference = "Saad 2011, Numerical methods for large eigenvalue problems"
    kind: Literal["top_eigenvalues"] = kind_of("top_eigenvalues")
    matrix: Matrix = matrix()
    k: int = described(5, "How many eigenvalues, below the number of parameters.", ge=1, le=100)
    which: Literal["largest", "smallest", "both"] = described(
        "largest", "The end of the spectrum, by sign and not by magnitude; both gives k at each end."
    )
    tol: float = tolerance()
    budget: int = budget()
    data_fraction: float = data_fraction()
