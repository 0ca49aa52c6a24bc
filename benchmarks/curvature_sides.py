"""What the benchmarks of curvature share: a digits MLP as a problem and as a module, and scipy's eigsh on a product."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any, Final

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


def scipy_top(operator: SymmetricOperator, k: int, tol: float, basis: int | None = None) -> tuple[list[float], Tensor]:
    """Let scipy find the k largest eigenpairs, from a random start, with one of an operator's products at a time.

    Returns:
        The values, descending, and their vectors as rows.
    """

    def product(v: NDArray[np.generic]) -> NDArray[np.generic]:
        v_KP = torch.from_numpy(np.ascontiguousarray(v.reshape(1, -1))).to(operator.dtype)
        found: NDArray[np.generic] = operator.apply(v_KP)[0].numpy()
        return found

    dtype = torch.empty(0, dtype=operator.dtype).numpy().dtype
    return top_pairs(LinearOperator((operator.size, operator.size), matvec=product, dtype=dtype), k, tol, basis)


def top_pairs(linear: Any, k: int, tol: float, basis: int | None = None) -> tuple[list[float], Tensor]:
    """Let scipy find the k largest eigenpairs of a linear operator of its own kind.

    ARPACK ends when each residual, by its own estimate, is at most tol times the value. It looks for the first time
    when its basis is full, of max(2k + 1, 20) vectors where ``basis`` is None, and may be far more exact by then.
    """
    values_K, vectors_PK = eigsh(linear, k, which="LA", tol=tol, ncv=basis)
    order = np.argsort(values_K)[::-1]
    return values_K[order].tolist(), torch.from_numpy(np.ascontiguousarray(vectors_PK[:, order].T))


class Autograd:
    """The usual Hessian-vector product: the gradient's graph is retained, and autograd goes through it again."""

    def __init__(self, problem: Problem, params_P: Tensor) -> None:
        self.size, self.dtype, self.device = params_P.numel(), params_P.dtype, params_P.device
        self._params_P = params_P.detach().clone().requires_grad_()
        loss = problem.loss(self._params_P, torch.empty(0, dtype=params_P.dtype))
        (self._grad_P,) = torch.autograd.grad(loss, self._params_P, create_graph=True)

    def apply(self, V_KP: Tensor) -> Tensor:
        """Return H·v for each row."""
        rows = [torch.autograd.grad(self._grad_P, self._params_P, v_P, retain_graph=True)[0] for v_P in V_KP]
        return torch.stack(rows)
