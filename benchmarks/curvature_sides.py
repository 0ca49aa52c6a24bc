"""What the benchmarks of curvature share: a digits MLP as a problem and as a module, and scipy's eigsh on a product."""

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor, nn

from backend.core.curvature.operator import SymmetricOperator
from backend.core.problems.build import build_problem
from backend.core.problems.problem import Data, Problem
from backend.schemas.problem import DataProblem
from backend.schemas.problem.data import DigitsData
from backend.schemas.problem.loss import AnyLoss
from backend.schemas.problem.model import MlpModel

DIGITS: Final = 1797  # all of them


def digits(hidden: tuple[int, ...], loss: AnyLoss, dtype: torch.dtype, examples: int = DIGITS) -> Problem:
    """Build an MLP with tanh on digits."""
    spec = DataProblem(data=DigitsData(examples=examples), model=MlpModel(hidden=hidden), loss=loss)
    return build_problem(spec, dtype, torch.device("cpu"))


def data_of(problem: Problem) -> Data:
    """Return the training split."""
    if problem.train is None:
        raise ValueError("expected a problem on data")
    return problem.train


def module_of(hidden: tuple[int, ...], params_P: Tensor) -> nn.Module:
    """Build the same network as a module, with these weights."""
    widths = (64, *hidden, 10)
    layers: list[nn.Module] = []
    for narrow, wide in pairwise(widths):
        layers += [nn.Linear(narrow, wide), nn.Tanh()]
    net = nn.Sequential(*layers[:-1]).to(params_P.dtype)
    nn.utils.vector_to_parameters(params_P.clone(), net.parameters())
    return net


def descend(problem: Problem, seed: int, lr: float, steps: int, each: Callable[[int, Tensor], None] | None) -> Tensor:
    """Train by plain full-batch gradient descent; ``each`` is called with every step and its parameters."""
    start_P, buffers_B = problem.params0(seed)
    params_P = start_P.clone().requires_grad_()
    for step in range(steps + 1):
        if each is not None:
            each(step, params_P)
        if step < steps:
            (grad_P,) = torch.autograd.grad(problem.loss(params_P, buffers_B), params_P)
            with torch.no_grad():
                params_P -= lr * grad_P
    return params_P.detach()


def scipy_top(operator: SymmetricOperator, k: int, tol: float) -> list[float]:
    """Let scipy find the k largest eigenvalues, from a random start, with one of our products at a time."""

    def product(v: NDArray[np.generic]) -> NDArray[np.generic]:
        v_KP = torch.from_numpy(np.ascontiguousarray(v.reshape(1, -1))).to(operator.dtype)
        found: NDArray[np.generic] = operator.apply(v_KP)[0].numpy()
        return found

    dtype = torch.empty(0, dtype=operator.dtype).numpy().dtype
    linear = LinearOperator((operator.size, operator.size), matvec=product, dtype=dtype)
    values = eigsh(linear, k, which="LA", tol=tol, return_eigenvectors=False)
    return sorted(map(float, values), reverse=True)
