"""The last loss against the learning rate."""

from typing import Literal, Self

from pydantic import field_validator, model_validator

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.analysis.rules import ADAM, MOMENTUM, RMSPROP, SGD, Competitor, competitors, require_names
from backend.schemas.fields import described, kind_of


class SweepAnalysis(AnalysisSpec):
    """The loss after an equal budget of gradient evaluations, for learning rates evenly spaced in the logarithm."""

    title = "Learning-rate sweep"
    summary = "The loss that each update rule reaches at each learning rate, all with the same budget."
    equation = "f(η) = L(θ_T(η)), T the steps that the budget pays for"
    reference = "Goodfellow, Bengio & Courville 2016, Deep learning, section 11.4"
    kind: Literal["sweep"] = kind_of("sweep")
    rules: tuple[Competitor, ...] = competitors(SGD, MOMENTUM, RMSPROP, ADAM, most=8)
    low: float = described(1e-4, "Smallest learning rate.", title="From", scale="log", gt=0.0, le=1e4)
    high: float = described(10.0, "Largest learning rate.", title="To", scale="log", gt=0.0, le=1e4)
    rates: int = described(21, "Learning rates, evenly spaced in the logarithm.", unit="rates", ge=2, le=200)
    budget: int = described(
        200, "Gradient evaluations that each run may spend; a rule that costs more takes fewer steps.",
        unit="evaluations", ge=1, le=1_000_000,
    )  # fmt: skip
    batch_size: int | None = described(None, "Examples a step; empty is the full batch.", unit="examples", ge=1)
    divergence: float = described(
        1e6, "A run whose loss exceeds this many times its first has diverged.", scale="log", gt=1.0, le=1e300
    )

    @field_validator("rules")
    @classmethod
    def _names_differ(cls, rules: tuple[Competitor, ...]) -> tuple[Competitor, ...]:
        return require_names(rules)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.high <= self.low:
            raise ValueError(f"expected the largest rate above the smallest, got {self.low} to {self.high}; swap them")
        return self
