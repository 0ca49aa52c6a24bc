"""From a spec to a problem."""

import torch

from backend.core.problems.block_digits import block_digits
from backend.core.problems.bundled import bundled
from backend.core.problems.cnn import Cnn
from backend.core.problems.custom.build import Known, build_custom, nothing_known
from backend.core.problems.function import FunctionMinimisation
from backend.core.problems.image_files import Files, image_files, no_files
from backend.core.problems.losses import build_criterion
from backend.core.problems.mlp import Mlp
from backend.core.problems.model import Model
from backend.core.problems.network import NetworkProblem
from backend.core.problems.pde.problem import DifferentialEquation
from backend.core.problems.photographs import crops
from backend.core.problems.problem import Problem
from backend.core.problems.resnet import ResNet
from backend.core.problems.splits import Splits, standardized
from backend.core.problems.toy_data import toy_data
from backend.core.problems.waves import waves
from backend.schemas.problem import AnyProblem, CustomProblem, DataProblem, FunctionProblem, PdeProblem
from backend.schemas.problem.data import (
    AnyData,
    BlockDigitsData,
    BreastCancerData,
    Cifar10Data,
    DigitsData,
    MnistData,
    PhotographsData,
    WavesData,
    WineData,
)
from backend.schemas.problem.model import AnyModel, CnnModel, MlpModel, ResNetModel


def build_problem(
    spec: AnyProblem,
    dtype: torch.dtype,
    device: torch.device,
    files: Files = no_files,
    known: Known = nothing_known,
) -> Problem:
    """Build a problem, its data already on the device.

    Args:
        spec: what is trained.
        dtype: number format of parameters, inputs and real targets.
        device: where they live.
        files: where the files of data sets that are not bundled come from.
        known: the problems of the user's own.

    Returns:
        The problem; the same spec always gives the same one.
    """
    match spec:
        case FunctionProblem():
            return FunctionMinimisation(spec.function, dtype, device)
        case PdeProblem():
            return DifferentialEquation(spec.pde, dtype, device)
        case CustomProblem():
            return build_custom(spec.custom, known, dtype, device)
        case DataProblem():
            splits = build_splits(spec.data, files)
            criterion = build_criterion(spec.loss, spec.data.classes)
            model = build_model(spec.model, spec.data, splits.train.x_NF.shape[1], criterion.outputs)
            return NetworkProblem(model, criterion, splits, spec.data.classes, dtype, device, spec.data.image)


def build_splits(spec: AnyData, files: Files = no_files) -> Splits:
    """Read or make the data, standardised where that is asked for, in float64."""
    match spec:
        case DigitsData() | WineData() | BreastCancerData():
            splits = bundled(spec)
        case BlockDigitsData():
            splits = block_digits(spec)
        case PhotographsData():
            splits = crops(spec)
        case WavesData():
            splits = waves(spec)
        case MnistData() | Cifar10Data():
            splits = image_files(spec, files)
        case _:
            splits = toy_data(spec)
    return standardized(splits) if spec.standardize else splits


def build_model(spec: AnyModel, data: AnyData, features: int, outputs: int) -> Model:
    """Build a network for a data set.

    Args:
        spec: which network.
        data: the data set, for the shape of its images.
        features: values of one example.
        outputs: width of the last layer.

    Returns:
        The network.

    Raises:
        ValueError: where a network for images gets data that have none.
    """
    match spec:
        case MlpModel():
            return Mlp(spec, features, outputs)
        case CnnModel() | ResNetModel():
            if data.image is None:
                raise ValueError(f"a {spec.kind} needs images, and {data.kind} has none; use an mlp, or digits")
            return Cnn(spec, data.image, outputs) if isinstance(spec, CnnModel) else ResNet(spec, data.image, outputs)
