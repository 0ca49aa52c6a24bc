"""The neural tangent kernel."""

from typing import Literal

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.fields import described, kind_of


class NtkAnalysis(AnalysisSpec):
    """Eigenvalues of the empirical tangent kernel, and how well it is aligned with the targets, whole and by layer."""

    title = "Tangent kernel"
    summary = "How fast each pattern of errors is learnt, and how much the features already sort as the targets do."
    equation = "K = J Jᵀ, J the slopes of the outputs; alignment ⟨K, YYᵀ⟩/(‖K‖·‖YYᵀ‖), centred"
    reference = "Jacot, Gabriel & Hongler 2018; Baratin et al. 2021"
    kind: Literal["ntk"] = kind_of("ntk")
    examples: int = described(64, "Examples (the front of the training split).", ge=2, le=512)
    layers: bool = described(True, "Also the alignment of each layer's own kernel; the kernel is their sum.")
    budget_mb: int = described(1024, "Memory that the slopes may take.", unit="MB", ge=1, le=65_536)
