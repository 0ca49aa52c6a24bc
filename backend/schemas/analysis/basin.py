"""Which minimum each start reaches."""

from typing import Literal

from pydantic import field_validator

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.analysis.fields import Resolution
from backend.schemas.analysis.rules import ADAM, MOMENTUM, SGD, Competitor, competitors, require_names
from backend.schemas.fields import described, kind_of


class BasinAnalysis(AnalysisSpec):
    """The basins of attraction of update rules on a function: a run from each point of a grid, coarse first."""

    title = "Basins of attraction"
    summary = "Which minimum an update rule reaches from each start of a grid."
    equation = "reached(x₀) = the stationary point within r of θ_T, where θ₀ = x₀"
    reference = "Nusse & Yorke 1996, Basins of attraction"
    kind: Literal["basin"] = kind_of("basin")
    rules: tuple[Competitor, ...] = competitors(SGD, MOMENTUM, ADAM)
    steps: int = described(300, "Updates from each start, T.", unit="steps", ge=1, le=100_000)
    resolution: Resolution = described(33, "Starts a side, reached from 5 by halving the spacing.", unit="points")
    tolerance: float = described(
        0.01, "How near an end must be to a stationary point, r, as a share of the map's width.", scale="log",
        gt=0.0, le=0.5,
    )  # fmt: skip
    divergence: float = described(
        1e6, "A start whose last loss exceeds this many times its first has diverged.", scale="log", gt=1.0, le=1e300
    )

    @field_validator("rules")
    @classmethod
    def _names_differ(cls, rules: tuple[Competitor, ...]) -> tuple[Competitor, ...]:
        return require_names(rules)
