"""Gauss–Newton products of a network's loss.

Shapes: P parameters, K vectors at once, N examples, C outputs.
"""

import torch
from torch.nn.attention import sdpa_kernel

from backend.core.analyses.base import Moment
from backend.core.curvature.graph import GRAPH_MB, Graph, GraphOperator, Kept, Plan, Stage, make_plan
from backend.core.curvature.hvp import ATTENTION, leaf
from backend.core.curvature.sweeps import dense_sweeps, plainly_dense
from backend.core.problems.problem import Data, Problem


def gauss_newton(
    problem: Problem,
    moment: Moment,
    data: Data | None = None,
    *,
    microbatch: int | None = None,
    graph_mb: float = GRAPH_MB,
    plan: Plan | None = None,
) -> GraphOperator:
    """Make the operator of G = (1/N) Σᵢ Jᵢᵀ Sᵢ Jᵢ, with Jᵢ = ∂f(xᵢ)/∂θ [C, P] and Sᵢ = ∂²ℓ/∂f² [C, C].

    Sᵢ is diag(p) − ppᵀ for cross-entropy, 2·factor·I for the squared error, and p(1 − p) for the logistic loss. G is
    positive semi-definite, and H − G is the part that comes from the curvature of the network's outputs.

    A product takes three passes: u ↦ Jᵀu is linear in u, and its derivative by u, applied to v, is Jv; then S; then
    Jᵀ. It costs 2–3 gradients, one more than a Hessian-vector product; through a plain dense network one
    (:class:`Sweeps`).

    Schraudolph 2002, Fast curvature matrix-vector products for second-order gradient descent.

    Args:
        problem: a network on data.
        moment: θ and the buffers.
        data: the examples; None is the whole training split.
        microbatch: at most so many examples in one graph (None: as many as ``graph_mb`` allows, by measurement).
        graph_mb: memory that a graph may take, in megabytes.
        plan: an earlier Gauss–Newton operator's ``plan`` of the same problem and data.

    Returns:
        The operator.

    Raises:
        NotFiniteCurvature: where the parameters, or later a product, are not finite.
        ChangingLoss: where two evaluations of the loss at this point differ.
        ValueError: where the problem has no outputs, or ``microbatch`` is below 1.
    """
    data = problem.train if data is None else data
    if data is None:
        raise ValueError("expected a network on data, got a function, which has no outputs; take its Hessian")
    params_P = leaf(problem, moment, data, probe=plan is None and not plainly_dense(problem))

    def build(part: Data | None) -> Kept:
        part = data if part is None else part
        if (sweeps := dense_sweeps(problem, params_P, part, whole=False)) is not None:
            return sweeps
        with sdpa_kernel(ATTENTION):
            out_NC = problem.outputs(params_P, moment.buffers_B, part.x)
        weight_NC = torch.zeros_like(out_NC, requires_grad=True)
        (pulled_P,) = torch.autograd.grad(out_NC, params_P, weight_NC, create_graph=True)
        free_NC = out_NC.detach().requires_grad_(True)
        (slope_NC,) = torch.autograd.grad(problem.criterion(free_NC, part.y), free_NC, create_graph=True)
        return Graph((Stage(pulled_P, weight_NC), Stage(slope_NC, free_NC), Stage(out_NC, params_P)))

    return GraphOperator(build, plan or make_plan(build, data, params_P, microbatch, graph_mb), params_P)
