"""What the gradients of single examples, the weights and the steps tell, layer by layer."""

from typing import Literal, get_args

from pydantic import model_validator

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.fields import described, kind_of

Statistic = Literal[
    "gradient_norm", "weight_norm", "update_norm", "update_ratio", "gradient_histogram", "weight_histogram",
    "update_histogram", "signal_to_noise", "one_step_ratio", "noise_scale", "coherence", "class_cosine", "conflict",
    "weight_alignment", "layer_rotation", "singular_values", "mode_responses", "lojasiewicz", "examples", "opposing",
]  # fmt: skip
STATISTICS: tuple[Statistic, ...] = get_args(Statistic)


class GradientStatsAnalysis(AnalysisSpec):
    """Statistics of gradients, weights and steps, each by layer, at stored moments or along a race."""

    title = "Gradient statistics"
    summary = "What single examples' gradients, the weights and the steps tell, layer by layer."
    equation = "gᵢ = ∇ℓ(f(xᵢ; θ), yᵢ), and what each statistic makes of them"
    reference = "Liu et al. 2020; Chatterjee & Zielinski 2020; McCandlish et al. 2018; and others, by statistic"
    kind: Literal["gradient_stats"] = kind_of("gradient_stats")
    statistics: tuple[Statistic, ...] = described(
        ("gradient_norm", "update_ratio", "signal_to_noise", "coherence", "noise_scale", "layer_rotation", "examples"),
        "What to tell.",
        min_length=1,
        max_length=len(STATISTICS),
    )
    examples: int = described(
        128, "Examples whose gradients are taken one by one (the front of the training split).", ge=2, le=4096
    )
    modes: int = described(8, "Modes whose responses are told, the strongest first.", ge=1, le=64)
    bins: int = described(33, "Bars of a histogram.", ge=5, le=257)
    budget_mb: int = described(512, "Memory that one layer's gradients may take.", unit="MB", ge=1, le=65_536)

    @model_validator(mode="after")
    def _once(self) -> "GradientStatsAnalysis":
        if len(set(self.statistics)) < len(self.statistics):
            raise ValueError("Each statistic is told once; name it once.")
        return self
