"""Small problems with a dense Hessian to compare with: name → problem and moment, in float64."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from backend.core.analyses.base import Moment
from backend.core.curvature.operator import SymmetricOperator
from backend.core.problems.build import build_problem
from backend.core.problems.params import Layout
from backend.core.problems.problem import BatchNormPolicy, Data, Problem, Solution, View
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import BlobsData, DigitsData, WineData
from backend.schemas.problem.loss import MseLoss
from backend.schemas.problem.model import CnnModel, MlpModel
from tests.cases import build
from tests.oracles import hessian_of

CPU = torch.device("cpu")


class Dense:
    """A matrix as an operator, which counts its products."""

    def __init__(self, A_PP: Tensor) -> None:
        self.A_PP, self.size, self.dtype, self.device = A_PP, len(A_PP), A_PP.dtype, A_PP.device
        self.products = 0

    def apply(self, V_KP: Tensor) -> Tensor:
        self.products += len(V_KP)
        return V_KP @ self.A_PP


class Attention:
    """One head of self-attention over 5 tokens of width 4, mean-pooled into 3 classes: a model of somebody's own."""

    view: View | None = None
    solution: Solution | None = None
    image: tuple[int, int, int] | None = None
    classes: int | None = 3
    test: Data | None = None
    noise: float = 0.0

    def __init__(self, dtype: torch.dtype = torch.float64) -> None:
        names = ("query", "key", "value", "head")
        self.layout = Layout(tuple((f"{name}.weight", (3 if name == "head" else 4, 4)) for name in names))
        self.buffer_layout = Layout(())
        self.dtype, self.device = dtype, CPU
        draw = torch.Generator().manual_seed(3)
        x = torch.randn(23, 5, 4, generator=draw, dtype=torch.float64).to(dtype)
        self.train: Data | None = Data(x, torch.arange(23) % 3)

    def params0(self, seed: int) -> tuple[Tensor, Tensor]:
        draw = torch.Generator().manual_seed(seed)
        drawn = torch.randn(self.layout.size, generator=draw, dtype=torch.float64)
        return drawn.to(self.dtype), torch.empty(0, dtype=self.dtype)

    def outputs(self, params_P: Tensor, buffers_B: Tensor, x: Tensor, batchnorm: BatchNormPolicy = "frozen") -> Tensor:
        query, key, value, head = self.layout.parts(params_P)
        mixed = F.scaled_dot_product_attention(x @ query.T, x @ key.T, x @ value.T)
        return (mixed.mean(1) + self.noise * torch.rand(())) @ head.T

    def criterion(self, outputs: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(outputs, y)

    def loss(
        self, params_P: Tensor, buffers_B: Tensor, data: Data | None = None, batchnorm: BatchNormPolicy = "frozen"
    ) -> Tensor:
        data = self.train if data is None else data
        assert data is not None
        return self.criterion(self.outputs(params_P, buffers_B, data.x), data.y)

    def batch_loss(self, params_P: Tensor, buffers_B: Tensor, x: Tensor, y: Tensor) -> Tensor:
        return self.criterion(self.outputs(params_P, buffers_B, x), y)

    def accuracy(self, params_P: Tensor, buffers_B: Tensor, data: Data) -> float | None:
        return None

    def evaluate(self, params_P: Tensor, buffers_B: Tensor, data: Data) -> tuple[float, float | None]:
        return float(self.loss(params_P, buffers_B, data)), None

    def check_deterministic(self) -> str | None:
        return None


EXTRA: dict[str, DataProblem] = {
    "linear-regression": DataProblem(  # three outputs: every eigenvalue three times
        data=WineData(examples=41, standardize=True), model=MlpModel(hidden=()), loss=MseLoss()
    ),
    "relu": DataProblem(data=BlobsData(examples=37), model=MlpModel(hidden=(9, 5), activation="relu")),
    "gelu-half": DataProblem(
        data=WineData(examples=29, standardize=True),
        model=MlpModel(hidden=(6,), activation="gelu"),
        loss=MseLoss(factor=0.5),
    ),
    "cnn-frozen": DataProblem(
        data=DigitsData(examples=26), model=CnnModel(channels=(2, 3), norm="batch", activation="tanh")
    ),
    "cnn-grouped": DataProblem(
        data=DigitsData(examples=26), model=CnnModel(channels=(4,), norm="group", groups=2, activation="gelu")
    ),
}
FITTED: tuple[str, ...] = (
    "attention", "linear-regression", "relu", "gelu-half", "cnn-frozen", "cnn-grouped", "cnn", "wine-linear",
    "cancer-logistic-gelu", "moons-relu-kaiming", "circles-silu-orthogonal", "spirals-sigmoid-xavier", "blobs-tanh",
    "chebyshev-half-mse", "sine-linear",
)  # fmt: skip
EQUATED: tuple[str, ...] = ("galerkin", "ritz-2d", "galerkin-10d", "sines-ritz", "eulerian", "heat-random")
ANALYTIC: tuple[str, ...] = ("rosenbrock", "quadratic-5d")


def place(name: str, dtype: torch.dtype = torch.float64) -> tuple[Problem, Moment]:
    """Build a case at a point that is not quite its start, with statistics that are not quite BatchNorm's start."""
    problem: Problem
    if name == "attention":
        problem = Attention(dtype)
    elif name in EXTRA:
        problem = build_problem(EXTRA[name], dtype, CPU)
    else:
        problem = build(name, dtype)
    params_P, buffers_B = problem.params0(5)
    draw = torch.Generator().manual_seed(11)
    moved = 0.1 * torch.randn(len(params_P), generator=draw, dtype=torch.float64).to(dtype)
    seen = 1 + 0.3 * torch.rand(len(buffers_B), generator=draw, dtype=torch.float64).to(dtype)
    return problem, Moment(7, params_P + moved, buffers_B * seen)


def dense_hessian(problem: Problem, moment: Moment) -> Tensor:
    return hessian_of(lambda at_P: problem.loss(at_P, moment.buffers_B), moment.params_P)


def matrix_of(operator: SymmetricOperator) -> Tensor:
    return operator.apply(torch.eye(operator.size, dtype=operator.dtype))


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def over(names: tuple[str, ...]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("name", names)
