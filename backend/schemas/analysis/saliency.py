"""Which parts of an input an output hangs on."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, get_args

from pydantic import Field

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.fields import described, kind_of

Method = Literal[
    "gradient", "gradient_x_input", "smoothgrad", "smoothgrad_squared", "vargrad", "integrated_gradients",
    "expected_gradients", "guided_backprop", "deconvnet", "grad_cam", "grad_cam_plus_plus", "layer_cam", "norm_grad",
    "moreau_grad", "cf_cam", "occlusion", "frequency_integrated_gradients",
]  # fmt: skip
METHODS: tuple[Method, ...] = get_args(Method)
METHOD_TITLES: Final[Mapping[str, str]] = {  # what they are called, wherever they are
    "gradient": "Gradient",
    "gradient_x_input": "Gradient × input",
    "smoothgrad": "SmoothGrad",
    "smoothgrad_squared": "SmoothGrad²",
    "vargrad": "VarGrad",
    "integrated_gradients": "Integrated gradients",
    "expected_gradients": "Expected gradients",
    "guided_backprop": "Guided Backprop",
    "deconvnet": "DeconvNet",
    "grad_cam": "Grad-CAM",
    "grad_cam_plus_plus": "Grad-CAM++",
    "layer_cam": "LayerCAM",
    "norm_grad": "NormGrad",
    "moreau_grad": "MoreauGrad",
    "cf_cam": "CF-CAM",
    "occlusion": "Occlusion",
    "frequency_integrated_gradients": "IG by frequency",
}
assert set(METHOD_TITLES) == set(METHODS)
Example = Annotated[int, Field(ge=0, le=10_000_000)]

# Settings of single methods, which every analysis that makes maps has.
BASELINE: Final[Any] = described("zero", "What stands for nothing: zeros, or the mean of the training examples.")
LAYER: Final[Any] = described(-1, "Layer of pictures, from 0 at the input; −1 is the last.", ge=-100, le=100)
COMBINED: Final[Any] = described(
    False, "NormGrad of all layers of pictures, each from 0 to 1, multiplied; otherwise of the one layer."
)
WEIGHTING: Final[Any] = described(
    "raw", "Weights of CF-CAM: raw ones, or through a softmax as published, which is blind to the class."
)
WINDOW: Final[Any] = described(2, "Side of the square that occlusion covers.", unit="pixels", ge=1, le=64)
RHO: Final[Any] = described(1.0, "Width of MoreauGrad's envelope.", scale="log", gt=0.0, le=1000.0)
SPARSITY: Final[Any] = described(0.0, "Weight of MoreauGrad's penalty; 0 for none.", ge=0.0, le=100.0)
PATCH: Final[Any] = described(1, "Side of the patches that the penalty takes together.", unit="pixels", ge=1, le=64)
# All that maps are made with, besides the method, the examples and the target.
SETTINGS: Final = (
    "samples",
    "level",
    "baseline",
    "layer",
    "combined",
    "weighting",
    "window",
    "rho",
    "sparsity",
    "patch",
)


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
    baseline: Literal["zero", "mean"] = BASELINE
    layer: int = LAYER
    combined: bool = COMBINED
    weighting: Literal["raw", "softmax"] = WEIGHTING
    window: int = WINDOW
    rho: float = RHO
    sparsity: float = SPARSITY
    patch: int = PATCH
