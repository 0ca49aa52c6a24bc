"""Roughness: how differently the loss varies along random directions."""

from typing import Annotated, Literal

from pydantic import Field

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.analysis.fields import BatchNormPolicy, batchnorm, data_fraction
from backend.schemas.fields import described, kind_of

Length = Annotated[float, Field(gt=0.0, le=1000.0, description="Half the length of the profiles, in units of d.")]


class RoughnessAnalysis(AnalysisSpec):
    """RI = std(T)/mean(T) over random directions, T the total variation of the loss along one, divided by its range."""

    title = "Roughness"
    summary = "How differently the loss goes up and down along random directions: 0 where all profiles vary alike."
    equation = "Tᵢ = Σₖ |fᵢ(tₖ₊₁) − fᵢ(tₖ)| / [2l·(max fᵢ − min fᵢ)], fᵢ(t) = L(θ + t·dᵢ), |t| ≤ l; RI = std(T)/mean(T)"
    reference = (
        "Wu et al. 2021, Roughness index for loss landscapes of neural network models of partial differential equations"
    )
    along = {"length": 0.01, "directions": 50}
    kind: Literal["roughness"] = kind_of("roughness")
    length: float = described(
        0.1, "Half the length l of the profiles, in units of the directions.", title="Length l", scale="log",
        gt=0.0, le=1000.0,
    )  # fmt: skip
    lengths: tuple[Length, ...] = described(
        (),
        "More lengths, each along the same directions, for the index against l.",
        title="More lengths",
        max_length=20,
    )
    points: int = described(
        10, "Intervals m of a profile, so m + 1 losses; even, so that the middle is one.", ge=2, le=1000
    )
    directions: int = described(100, "Random directions M.", ge=2, le=10_000)
    normalization: Literal["filter", "layer", "none"] = described(
        "filter", "What of a direction is made as long as the weights: each filter, each layer, or nothing."
    )
    bias: Literal["zero", "copy"] = described(
        "zero", "What a direction is for biases and other tensors with one axis: 0, or the weights themselves."
    )
    shown: int = described(20, "Profiles that are sent to be looked at.", title="Profiles shown", ge=0, le=100)
    data_fraction: float = data_fraction()
    batchnorm: BatchNormPolicy = batchnorm()

    @property
    def all_lengths(self) -> tuple[float, ...]:
        """Every length once, in the order in which they are measured."""
        return tuple(dict.fromkeys((self.length, *self.lengths)))
