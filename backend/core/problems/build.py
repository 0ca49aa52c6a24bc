"""From a spec to a problem."""

import torch

from backend.core.problems.bundled import bundled
from backend.core.problems.losses import build_criterion
from backend.core.problems.mlp import Mlp
from backend.core.problems.network import NetworkProblem
from backend.core.problems.problem import Problem
from backend.core.problems.splits import standardized
from backend.schemas.problem import AnyProblem, DataProblem
from backend.schemas.problem.data import DigitsData, BreastCancerData, WineData
from backend.schemas.problem.model import MlpModel


def build_problem(spec: AnyProblem, dtype: torch.dtype, device: torch.device) -> Problem:
    """Build a problem, its data already on the device."""
    assert isinstance(spec, DataProblem) and isinstance(spec.data, DigitsData | WineData | BreastCancerData)
    splits = bundled(spec.data)
    if spec.data.standardize:
        splits = standardized(splits)
    criterion = build_criterion(spec.loss, spec.data.classes)
    assert isinstance(spec.model, MlpModel)
    model = Mlp(spec.model, splits.train.x_NF.shape[1], criterion.outputs)
    return NetworkProblem(model, criterion, splits, spec.data.classes, dtype, device)
