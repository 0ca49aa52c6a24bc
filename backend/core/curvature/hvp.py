"""Hessian-vector products of a problem's loss.

Shapes: P parameters, K vectors at once, N examples.
"""

from typing import Final

import torch
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from backend.core.analyses.base import Moment
from backend.core.curvature.graph import GRAPH_MB, Graph, GraphOperator, Kept, Plan, Stage, make_plan
from backend.core.curvature.operator import ChangingLoss, NotFiniteCurvature
from backend.core.curvature.sweeps import dense_sweeps, plainly_dense
from backend.core.problems.determinism import changing
from backend.core.problems.problem import Data, Problem

# The fused attention kernels have no second derivative; the one made of plain operations has.
ATTENTION: Final = SDPBackend.MATH


def hessian(
    problem: Problem,
    moment: Moment,
    data: Data | None = None,
    *,
    microbatch: int | None = None,
    graph_mb: float = GRAPH_MB,
    plan: Plan | None = None,
) -> GraphOperator:
    """Make the operator of H = ∇²L(θ), L the mean loss over ``data``.

    H·v = ∇(∇L·v), reverse over reverse; through a plain dense network by :class:`Sweeps`, which are faster.

    BatchNorm is frozen: its running statistics are the moment's. Parameters and buffers are read, never written.

    Pearlmutter 1994, Fast exact multiplication by the Hessian.

    Args:
        problem: whose loss.
        moment: θ and the buffers.
        data: the examples; None is the whole training split, or the function itself.
        microbatch: at most so many examples in one graph (None: as many as ``graph_mb`` allows, by measurement).
        graph_mb: memory that a graph may take, in megabytes.
        plan: an earlier operator's ``plan`` of the same problem and data, so that nothing is measured or probed again.

    Returns:
        The operator; see :class:`GraphOperator` for the cost of a product.

    Raises:
        NotFiniteCurvature: where the parameters, or later a product, are not finite.
        ChangingLoss: where two evaluations of the loss at this point differ.
        ValueError: where ``microbatch`` is below 1.

    Example:
        >>> from backend.core.problems.build import build_problem
        >>> from backend.schemas.problem import FunctionProblem
        >>> from backend.schemas.problem.function import QuadraticFunction
        >>> bowl = build_problem(FunctionProblem(function=QuadraticFunction()), torch.float64, torch.device("cpu"))
        >>> H = hessian(bowl, Moment(0, *bowl.params0(0)))
        >>> bool(torch.allclose(H.apply(torch.eye(2, dtype=torch.float64)), bowl.known.hessian(bowl.params0(0)[0])))
        True
    """
    data = problem.train if data is None else data
    params_P = leaf(problem, moment, data, probe=plan is None and not plainly_dense(problem))

    def build(part: Data | None) -> Kept:
        if part is not None and (sweeps := dense_sweeps(problem, params_P, part, whole=True)) is not None:
            return sweeps
        with sdpa_kernel(ATTENTION):
            loss = problem.loss(params_P, moment.buffers_B, part)
        (grad_P,) = torch.autograd.grad(loss, params_P, create_graph=True)
        return Graph((Stage(grad_P, params_P),), grad_P.detach())

    return GraphOperator(build, plan or make_plan(build, data, params_P, microbatch, graph_mb), params_P)


def leaf(problem: Problem, moment: Moment, data: Data | None, *, probe: bool) -> Tensor:
    """Return a copy of a moment's parameters that gradients are taken of, having made sure that they can be.

    Args:
        problem: whose loss.
        moment: θ and the buffers.
        data: the examples.
        probe: whether to evaluate the loss twice and compare.

    Returns:
        θ [P], a leaf of its own.

    Raises:
        NotFiniteCurvature: where θ is not finite.
        ChangingLoss: where the problem says so, or :func:`changing` finds a layer that is not the same twice.
    """
    if not bool(torch.isfinite(moment.params_P).all()):
        raise NotFiniteCurvature(
            f"Expected finite parameters, got NaN or infinity at step {moment.step}; take a step before the lane "
            "diverged."
        )
    if (sentence := problem.check_deterministic()) is not None:
        raise ChangingLoss(sentence)
    if probe:
        with sdpa_kernel(ATTENTION):
            found = changing(
                lambda: problem.loss(moment.params_P, moment.buffers_B, data), moment.params_P, problem.layout
            )
        if found is not None:
            raise ChangingLoss(found)
    return moment.params_P.detach().clone().requires_grad_(True)
