"""Small named problems that the suites share: one of everything, quick to evaluate many times."""

import pytest
import torch

from backend.core.problems.build import build_problem
from backend.core.problems.problem import Problem
from backend.schemas.problem import AnyProblem, DataProblem, FunctionProblem, PdeProblem
from backend.schemas.problem.data import (
    BlobsData,
    BlockDigitsData,
    BreastCancerData,
    ChebyshevData,
    CirclesData,
    DigitsData,
    LargeDigitsData,
    MoonsData,
    PhotographsData,
    PlantedData,
    SineData,
    SpiralsData,
    WavesData,
    WineData,
)
from backend.schemas.problem.function import FUNCTION_KINDS, QuadraticFunction
from backend.schemas.problem.loss import LogisticLoss, MseLoss
from backend.schemas.problem.model import CnnModel, MlpModel, ResNetModel
from backend.schemas.problem.pde import AdvectionPde, HeatPde, NetworkAnsatz, PoissonPde, SinesAnsatz

CPU = torch.device("cpu")
HALF_SQUARED = MseLoss(factor=0.5)

MLPS: dict[str, DataProblem] = {
    "digits-tanh": DataProblem(data=DigitsData(examples=60), model=MlpModel(hidden=(8, 6))),
    "digits-mse": DataProblem(
        data=DigitsData(examples=45, standardize=True), model=MlpModel(hidden=(5,)), loss=MseLoss()
    ),
    "wine-linear": DataProblem(data=WineData(examples=50), model=MlpModel(hidden=())),
    "cancer-logistic-gelu": DataProblem(
        data=BreastCancerData(examples=70), model=MlpModel(hidden=(4,), activation="gelu"), loss=LogisticLoss()
    ),
    "moons-relu-kaiming": DataProblem(
        data=MoonsData(examples=30), model=MlpModel(hidden=(7, 3), activation="relu", init="kaiming", init_gain=1.5)
    ),
    "circles-silu-orthogonal": DataProblem(
        data=CirclesData(examples=31), model=MlpModel(hidden=(6,), activation="silu", init="orthogonal"), loss=MseLoss()
    ),
    "spirals-sigmoid-xavier": DataProblem(
        data=SpiralsData(examples=40),
        model=MlpModel(hidden=(6, 5), activation="sigmoid", init="xavier", init_gain=2.0),
        loss=LogisticLoss(),
    ),
    "blobs-tanh": DataProblem(data=BlobsData(examples=33), model=MlpModel(hidden=(4, 4, 4))),
    "chebyshev-half-mse": DataProblem(data=ChebyshevData(points=12), model=MlpModel(hidden=(9, 5)), loss=HALF_SQUARED),
    "planted-linear": DataProblem(
        data=PlantedData(examples=30, block=2), model=MlpModel(hidden=()), loss=MseLoss(factor=5.0)
    ),
    "blocks-tanh": DataProblem(data=BlockDigitsData(examples=20), model=MlpModel(hidden=(4,))),
    "waves-relu": DataProblem(data=WavesData(examples=20, length=32), model=MlpModel(hidden=(5,), activation="relu")),
    "sine-linear": DataProblem(data=SineData(examples=17), model=MlpModel(hidden=()), loss=HALF_SQUARED),
}
CNNS: dict[str, DataProblem] = {
    "cnn": DataProblem(data=DigitsData(examples=40), model=CnnModel(channels=(3,))),
    "cnn-group": DataProblem(
        data=DigitsData(examples=40), model=CnnModel(channels=(4, 6), norm="group", groups=4, init="orthogonal")
    ),
    "cnn-batch": DataProblem(
        data=DigitsData(examples=40), model=CnnModel(channels=(3, 4), norm="batch", init_gain=2.0)
    ),
    "cnn-colours": DataProblem(data=PhotographsData(examples=8, test_examples=4), model=CnnModel(channels=(2, 3, 3))),
    "cnn-batch-mse": DataProblem(
        data=DigitsData(examples=37),
        model=CnnModel(channels=(2, 3, 4), norm="batch", activation="tanh", init="xavier"),
        loss=MseLoss(),
    ),
}
RESNETS: dict[str, DataProblem] = {
    "resnet-group": DataProblem(data=DigitsData(examples=24), model=ResNetModel(channels=(4, 6), groups=2)),
    "resnet-batch": DataProblem(data=DigitsData(examples=37), model=ResNetModel(channels=(3, 4), norm="batch")),
    "resnet-deep": DataProblem(
        data=DigitsData(examples=20), model=ResNetModel(channels=(3, 3, 3), blocks=2, norm="none", activation="silu")
    ),
    "resnet-plain": DataProblem(
        data=LargeDigitsData(examples=9), model=ResNetModel(channels=(4, 4), blocks=2, shortcut=False), loss=MseLoss()
    ),
}
NETWORKS: dict[str, DataProblem] = MLPS | CNNS | RESNETS
FUNCTIONS: dict[str, FunctionProblem] = {
    kind.model_fields["kind"].default: FunctionProblem(function=kind()) for kind in FUNCTION_KINDS
} | {"quadratic-5d": FunctionProblem(function=QuadraticFunction(condition=300.0, start=(1.0, -2.0, 0.5, 1.5, -0.25)))}
EQUATIONS: dict[str, PdeProblem] = {
    "galerkin": PdeProblem(pde=PoissonPde(points=23)),
    "ritz-2d": PdeProblem(pde=PoissonPde(dim=2, method="ritz", points=31, ansatz=NetworkAnsatz(width=3))),
    "galerkin-10d": PdeProblem(pde=PoissonPde(dim=10, points=12, ansatz=NetworkAnsatz(width=3, blocks=1))),
    "sines-ritz": PdeProblem(pde=PoissonPde(method="ritz", points=20, ansatz=SinesAnsatz(modes=5))),
    "eulerian": PdeProblem(pde=AdvectionPde(speed=3.0, points=30, ansatz=NetworkAnsatz(width=4, blocks=1))),
    "lagrangian-sines": PdeProblem(pde=AdvectionPde(frame="lagrangian", points=40, ansatz=SinesAnsatz(modes=3))),
    "heat-random": PdeProblem(pde=HeatPde(points=25, sampling="random", ansatz=NetworkAnsatz(width=4, blocks=1))),
}
PROBLEMS: dict[str, AnyProblem] = {**NETWORKS, **FUNCTIONS, **EQUATIONS}


def build(name: str, dtype: torch.dtype = torch.float64) -> Problem:
    """Build a case on the CPU."""
    return build_problem(PROBLEMS[name], dtype, CPU)


def over(cases: dict[str, DataProblem] | dict[str, FunctionProblem] | dict[str, AnyProblem]) -> pytest.MarkDecorator:
    """Run a test for every name in a table; the test takes ``name``."""
    return pytest.mark.parametrize("name", list(cases))
