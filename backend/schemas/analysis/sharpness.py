"""Sharpness: the largest eigenvalues of the Hessian, beside the edge of stability."""

from typing import Literal

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.analysis.curvature import budget, tolerance
from backend.schemas.analysis.fields import data_fraction
from backend.schemas.fields import described, kind_of


class SharpnessAnalysis(AnalysisSpec):
    """λ₁(H) ≥ λ₂(H) ≥ … of the loss, and of P⁻¹H for rules that divide the gradient by P, beside their thresholds."""

    title = "Sharpness"
    summary = "The Hessian's largest eigenvalues along training, beside the threshold above which the rule is unstable."
    equation = "S = λ₁(H), stable below 2/η for gradient descent; λ₁(P⁻¹H), below (2 + 2β₁)/((1 − β₁)η), for Adam"
    reference = (
        "Cohen et al. 2021, Gradient descent on neural networks typically occurs at the edge of stability; "
        "Cohen et al. 2022, Adaptive gradient methods at the edge of stability"
    )
    kind: Literal["sharpness"] = kind_of("sharpness")
    k: int = described(1, "How many of the largest eigenvalues.", title="Eigenvalues", ge=1, le=20)
    preconditioned: bool = described(
        True, "Also those of P⁻¹H, for lanes whose rule divides the gradient by P (Adam and RMSProp)."
    )
    flow: bool = described(
        False,
        "Also λ₁ of the Hessian where gradient flow from here would end, in a problem of at most 2,000 parameters.",
        title="End of the flow",
    )
    tol: float = tolerance(0.03)
    budget: int = budget()
    data_fraction: float = data_fraction()
