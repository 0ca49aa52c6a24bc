"""The loss along a line."""

from typing import Literal, Self

from pydantic import model_validator

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.analysis.fields import BatchNormPolicy, Resolution, batchnorm, data_fraction
from backend.schemas.analysis.line import AnyLine, RandomLine
from backend.schemas.fields import described, kind_of


class SliceAnalysis(AnalysisSpec):
    """L(θ₀ + t·d) on nested points, 5 first, each level reusing the one before; the mean where there are several d."""

    title = "Slice"
    summary = "The loss along a line: random directions with their spread, an eigenvector, or between two points."
    equation = "f(t) = mean over d of L(θ₀ + t·d)"
    reference = "Goodfellow, Vinyals & Saxe 2015, Qualitatively characterizing neural network optimization problems"
    kind: Literal["slice"] = kind_of("slice")
    line: AnyLine = described(None, "The line.", factory=RandomLine)
    low: float = described(-1.0, "Where t begins.", ge=-1e6, le=1e6)
    high: float = described(1.0, "Where t ends.", ge=-1e6, le=1e6)
    resolution: Resolution = described(65, "Points along the line, reached from 5 by halving the spacing.")
    data_fraction: float = data_fraction()
    batchnorm: BatchNormPolicy = batchnorm()

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"expected low below high, got {self.low:g} and {self.high:g}")
        return self
