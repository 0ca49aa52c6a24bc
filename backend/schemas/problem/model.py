"""Networks: multilayer perceptrons, small convolutional and residual nets."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from backend.schemas.base import SpecModel
from backend.schemas.fields import described, kind_of

Activation = Literal["tanh", "relu", "gelu", "silu", "sigmoid"]
Initialisation = Literal["default", "xavier", "kaiming", "orthogonal"]
Width = Annotated[int, Field(ge=1, le=4096, description="Units of the layer.")]
Channels = Annotated[int, Field(ge=1, le=512, description="Channels of the layer.")]


class ModelSpec(SpecModel):
    """What all networks share."""

    title: ClassVar[str]
    summary: ClassVar[str]
    reference: ClassVar[str]
    needs_image: ClassVar[bool] = False

    activation: Activation = described("tanh", "Nonlinearity after each hidden layer.")
    init: Initialisation = described(
        "default", "How the weights start: PyTorch's own default, or uniform Xavier, Kaiming, or orthogonal matrices."
    )
    init_gain: float = described(
        1.0, "Every initial weight and bias is multiplied by this.", title="Init gain", scale="log", gt=0.0, le=100.0
    )


class MlpModel(ModelSpec):
    """A multilayer perceptron; without hidden layers it is a linear model with bias."""

    title = "MLP"
    summary = "Dense layers with one nonlinearity; no hidden layer makes a linear model."
    reference = "Rosenblatt 1958; Rumelhart, Hinton & Williams 1986"
    kind: Literal["mlp"] = kind_of("mlp")
    hidden: tuple[Width, ...] = described(
        (32, 32), "Width of each hidden layer, from the input on.", title="Hidden layers", max_length=16
    )


class CnnModel(ModelSpec):
    """A convolutional net: 3×3 convolutions, a norm, a nonlinearity and 2×2 mean pooling, then one dense layer."""

    title = "CNN"
    summary = "3×3 convolutions with 2×2 mean pooling and a dense layer; for images."
    reference = "LeCun et al. 1989, Backpropagation applied to handwritten zip code recognition"
    needs_image = True
    kind: Literal["cnn"] = kind_of("cnn")
    activation: Activation = described("relu", "Nonlinearity after each convolution.")
    channels: tuple[Channels, ...] = described(
        (8, 16), "Channels of each convolution; each halves the picture.", min_length=1, max_length=3
    )
    norm: Literal["none", "group", "batch"] = described(
        "none", "Normalisation after each convolution: none, GroupNorm or BatchNorm.", title="Normalisation"
    )
    groups: int = described(4, "Groups of GroupNorm (the largest divisor of the channels up to this).", ge=1, le=512)


class ResNetModel(ModelSpec):
    """A residual net: blocks of two 3×3 convolutions whose input is added to their output; then one dense layer."""

    title = "ResNet"
    summary = "Blocks of two convolutions with shortcuts around them; for images."
    reference = "He et al. 2016, Deep residual learning for image recognition"
    needs_image = True
    kind: Literal["resnet"] = kind_of("resnet")
    activation: Activation = described("relu", "Nonlinearity after each convolution, and after each sum.")
    channels: tuple[Channels, ...] = described(
        (8, 16), "Channels of each stage; each but the first halves the picture.", min_length=1, max_length=4
    )
    blocks: int = described(1, "Blocks of each stage.", ge=1, le=9)
    shortcut: bool = described(
        True, "Add each block's input to its output; without it, the same layers are a plain net.", title="Shortcuts"
    )
    norm: Literal["none", "group", "batch"] = described(
        "group", "Normalisation after each convolution: none, GroupNorm or BatchNorm.", title="Normalisation"
    )
    groups: int = described(4, "Groups of GroupNorm (the largest divisor of the channels up to this).", ge=1, le=512)


MODEL_KINDS = (MlpModel, CnnModel, ResNetModel)
AnyModel = Annotated[MlpModel | CnnModel | ResNetModel, Field(discriminator="kind")]
