"""How much of the gradient lies in the sharpest directions."""

from typing import Literal

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.analysis.curvature import budget, tolerance
from backend.schemas.analysis.fields import data_fraction
from backend.schemas.fields import described, kind_of


class OverlapAnalysis(AnalysisSpec):
    """The share of gradient and update in the top eigenspace of the Hessian, and how that space turns."""

    title = "Overlap"
    summary = "The share of gradient and update in the k sharpest directions, beside what chance would give."
    equation = "fₖ = ‖Vₖᵀg‖²/‖g‖², against k/P"
    reference = "Gur-Ari, Roberts & Dyer 2018, Gradient descent happens in a tiny subspace"
    kind: Literal["overlap"] = kind_of("overlap")
    k: int = described(10, "Dimension of the eigenspace, below the number of parameters.", ge=1, le=100)
    tol: float = tolerance()
    budget: int = budget()
    layers: bool = described(False, "Also in the sharpest directions of each layer's own block of the Hessian.")
    data_fraction: float = data_fraction()
