"""Whether maps of saliency can be believed."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.analysis.saliency import (
    BASELINE,
    COMBINED,
    LAYER,
    METHODS,
    PATCH,
    RHO,
    SPARSITY,
    WEIGHTING,
    WINDOW,
    Example,
    Method,
)
from backend.schemas.fields import described, kind_of

Share = Annotated[float, Field(gt=0.0, lt=1.0)]
Question = Literal[
    "weights", "class", "deletion", "insertion", "completeness", "infidelity", "sensitivity", "signal", "retraining"
]
QUESTIONS: tuple[Question, ...] = get_args(Question)


class SaliencyTrustAnalysis(AnalysisSpec):
    """Questions that a map must stand, put to several methods on the same examples."""

    title = "Trust in saliency"
    summary = "Whether maps depend on the weights and the class, and whether the pixels that they name matter."
    equation = "weights = ρ(|A(θ)|, |A(θ')|), θ' redrawn; deletion = ∫ p_c(x without its top share s) ds; …"
    reference = "Adebayo et al. 2018; Petsiuk, Das & Saenko 2018; Yeh et al. 2019; Shah, Jain & Netrapalli 2021"
    along: ClassVar[Mapping[str, object]] = {
        "methods": ["gradient", "smoothgrad"],
        "questions": ["weights", "class", "deletion", "insertion", "signal"],
        "examples": list(range(8)),
        "samples": 10,
    }
    kind: Literal["saliency_trust"] = kind_of("saliency_trust")
    methods: tuple[Method, ...] = described(
        ("gradient", "smoothgrad", "integrated_gradients", "guided_backprop", "grad_cam"),
        "The methods that are asked.",
        min_length=1,
        max_length=len(METHODS),
    )
    questions: tuple[Question, ...] = described(
        QUESTIONS[:-1], "What is asked; retraining takes long.", min_length=1, max_length=len(QUESTIONS)
    )
    examples: tuple[Example, ...] = described(
        tuple(range(16)), "Which examples, counted from 0 in the split's order.", min_length=2, max_length=256
    )
    split: Literal["train", "test"] = described("test", "Where the examples are; without a test split, in training.")
    target: int | None = described(None, "The output explained, from 0; empty: each example's own class.", ge=0)
    samples: int = described(20, "Draws, or points of a quadrature, for the methods that average.", ge=1, le=1000)
    level: float = described(0.15, "Noise of the methods, as a share of an example's own range.", gt=0.0, le=2.0)
    baseline: Literal["zero", "mean"] = BASELINE
    layer: int = LAYER
    combined: bool = COMBINED
    weighting: Literal["raw", "softmax"] = WEIGHTING
    window: int = WINDOW
    rho: float = RHO
    sparsity: float = SPARSITY
    patch: int = PATCH
    steps: int = described(20, "Steps in which pixels are removed or shown.", ge=2, le=200)
    radius: float = described(0.02, "How far an input is moved, as a share of its range.", gt=0.0, le=1.0)
    draws: int = described(10, "Random changes of an input, for infidelity and sensitivity.", ge=1, le=1000)
    shares: tuple[Share, ...] = described(
        (0.1, 0.2, 0.4, 0.6), "Shares of the pixels that are kept for retraining.", min_length=1, max_length=8
    )
    retraining_steps: int = described(150, "Steps of Adam of each retraining.", ge=1, le=10_000)
