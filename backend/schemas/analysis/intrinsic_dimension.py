"""How many parameters a problem really needs."""

from typing import Annotated, Literal

from pydantic import Field

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.fields import described, kind_of

Size = Annotated[int, Field(ge=1, le=100_000, description="Dimensions of a random subspace.")]


class IntrinsicDimensionAnalysis(AnalysisSpec):
    """Training inside random subspaces through the point, θ = θ₀ + P·z, for growing numbers of dimensions."""

    title = "Intrinsic dimension"
    summary = "The least number of random directions in which training does almost as well as in all."
    equation = "θ = θ₀ + P·z, z of d numbers; d₉₀ = least d with score(d) ≥ 0.9 · score of all parameters"
    reference = "Li, Farkhoor, Liu & Yosinski 2018, Measuring the intrinsic dimension of objective landscapes"
    kind: Literal["intrinsic_dimension"] = kind_of("intrinsic_dimension")
    dimensions: tuple[Size, ...] = described(
        (2, 5, 10, 20, 50, 100, 200), "Dimensions that are tried.", min_length=1, max_length=32
    )
    score: Literal["accuracy", "likelihood"] = described(
        "accuracy",
        "What is compared: the share classified rightly, or exp(−loss), which suits problems without classes.",
    )
    split: Literal["train", "test"] = described("test", "Where it is taken; train where there is no test split.")
    share: float = described(
        0.9,
        "Share of the full score that counts as solved; the dimension that reaches 0.9 is called d₉₀.",
        gt=0.0,
        le=1,
    )
    subspaces: int = described(2, "Random subspaces of each dimension.", ge=1, le=32)
    rule: Literal["adam", "lbfgs"] = described(
        "adam", "Adam, or L-BFGS on the full batch (for small problems to the last digit)."
    )
    steps: int = described(300, "Training steps in each subspace.", unit="steps", ge=1, le=100_000)
    lr: float = described(
        0.05, "Adam's learning rate for z, falling to 0 over the second half.", title="Learning rate",
        scale="log", gt=0.0, le=10.0,
    )  # fmt: skip
    full_lr: float = described(
        0.005, "Adam's learning rate for training in all parameters.", title="Full learning rate",
        scale="log", gt=0.0, le=10.0,
    )  # fmt: skip
    batch_size: int | None = described(None, "Examples a step of Adam; empty is the full batch.", unit="examples", ge=1)
