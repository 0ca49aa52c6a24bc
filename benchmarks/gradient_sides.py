"""What benchmarks of gradients and saliency share: a small convolutional net on 32×32 digits, also as a module."""

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn

from backend.core.problems.build import build_problem
from backend.core.problems.problem import Data, Problem
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import LargeDigitsData
from backend.schemas.problem.model import CnnModel

SIDE: Final = 32  # pixels
SPEC: Final = DataProblem(data=LargeDigitsData(), model=CnnModel())


def problem_of(dtype: torch.dtype) -> Problem:
    """Build the problem."""
    return build_problem(SPEC, dtype, torch.device("cpu"))


def front(problem: Problem, count: int) -> Data:
    """Return the first training examples."""
    if problem.train is None:
        raise ValueError("expected a problem on data")
    return Data(problem.train.x[:count], problem.train.y[:count])


def trained(problem: Problem, seed: int, steps: int) -> Tensor:
    """Train with Adam on batches of 128, and return the parameters [P]."""
    start_P, buffers_B = problem.params0(seed)
    params_P = start_P.clone().requires_grad_()
    rule, draw = torch.optim.Adam([params_P], lr=0.005), torch.Generator().manual_seed(seed)
    data = front(problem, 1500)
    for _ in range(steps):
        rows = torch.randint(len(data), (128,), generator=draw)
        rule.zero_grad()
        problem.batch_loss(params_P, buffers_B, data.x[rows], data.y[rows]).backward()
        rule.step()
    return params_P.detach()


def module_of(params_P: Tensor) -> nn.Sequential:
    """Build the same network as modules, with these weights."""
    channels = (1, *CnnModel().channels)
    layers: list[nn.Module] = []
    for narrow, wide in pairwise(channels):
        layers += [nn.Conv2d(narrow, wide, 3, padding=1), nn.ReLU(), nn.AvgPool2d(2)]
    side = SIDE >> (len(channels) - 1)
    net = nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels[-1] * side**2, 10)).to(params_P.dtype)
    nn.utils.vector_to_parameters(params_P.clone(), net.parameters())
    return net
