"""Which parts of an input an output hangs on."""

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.fields import described, kind_of

Method = Literal[
    "gradient", "gradient_x_input", "smoothgrad", "smoothgrad_squared", "vargrad", "integrated_gradients",
    "expected_gradients", "guided_backprop", "deconvnet", "grad_cam", "grad_cam_plus_plus", "layer_cam", "norm_grad",
    "moreau_grad", "cf_cam", "occlusion", "frequency_integrated_gradients",
]  # fmt: skip
METHODS: tuple[Method, ...] = get_args(Method)
Example = Annotated[int, Field(ge=0, le=10_000_000)]


class SaliencyAnalysis(AnalysisSpec):
    """Maps of chosen examples by one method or several, refined as samples come in."""

    title = "Saliency"
    summary = "Which pixels (or features) of an example a logit hangs on, by the methods of the field side by side."
    equation = "g = ∂f_c(x)/∂x, and what each method makes of it"
    reference = "Simonyan, Vedaldi & Zisserman 2013; Smilkov et al. 2017; Sundararajan, Taly & Yan 2017; and others"
    along: ClassVar[Mapping[str, object]] = {"compare": ["smoothgrad", "integrated_gradients"], "samples": 20}
    kind: Literal["saliency"] = kind_of("saliency")
    method: Method = described("gradient", "How the map is made.")
    compare: tuple[Method, ...] = described((), "Further methods on the same examples.", max_length=len(METHODS))
    examples: tuple[Example, ...] = described(
        (0, 1, 2, 3, 4, 5, 6, 7), "Which examples, counted from 0 in the split's order.", min_length=1, max_length=64
    )
    split: Literal["train", "test"] = described("test", "Where the examples are; without a test split, in training.")
    target: int | None = described(None, "The output explained, from 0; empty: each example's own class.", ge=0)
    samples: int = described(50, "Draws, or points of a quadrature, for the methods that average.", ge=1, le=10_000)
    level: float = described(0.15, "Noise, as a share of an example's own range.", gt=0.0, le=2.0)
    baseline: Literal["zero", "mean"] = described(
        "zero", "What stands for nothing: zeros, or the mean of the training examples."
    )
    layer: int = described(-1, "Layer of pictures, from 0 at the input; −1 is the last.", ge=-100, le=100)
    weighting: Literal["raw", "softmax"] = described(
        "raw", "Weights of CF-CAM: raw ones, or through a softmax as published, which is blind to the class."
    )
    window: int = described(2, "Side of the square that occlusion covers.", unit="pixels", ge=1, le=64)
    rho: float = described(1.0, "Width of MoreauGrad's envelope.", scale="log", gt=0.0, le=1000.0)
    sparsity: float = described(0.0, "Weight of MoreauGrad's penalty; 0 for none.", ge=0.0, le=100.0)
    patch: int = described(1, "Side of the patches that the penalty takes together.", unit="pixels", ge=1, le=64)
