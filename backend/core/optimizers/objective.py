"""The loss that a rule minimises at one step, everything it may ask of it, and the count of what that has cost.

Shapes: P parameters, B buffer values, M examples of the batch, C outputs, N points at once, K groups.
"""

import warnings
from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor
from torch.func import grad, jvp, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from backend.core.curvature.graph import BATCHED_WORK, Graph, Stage, batches
from backend.core.problems.problem import BatchNormPolicy, Data, Problem

# What an answer costs in gradient evaluations: one forward pass is a third of a forward and a backward pass.
FORWARD: Final = 1.0 / 3.0
DIRECTIONAL: Final = 1.0  # forwards with tangents: W·x, W·dx and dW·x of each layer, as many as a gradient has
PRODUCT: Final = 2.0  # a Hessian-vector product: differentiates the gradient itself
BATCH: Final[BatchNormPolicy] = "batch"  # BatchNorm by the statistics of the step's own batch, as in training
AT_ONCE: Final = 64  # points, examples or vectors of one vectorised pass
TRIAL: Final = 8  # vectors from which on it is tried whether a block of products may go through a graph at once

Batch = tuple[Tensor, Tensor]  # inputs [M, ...] and targets


class Objective:
    """L(θ), the mean loss of this step's batch (all data, or a function, where there are no batches).

    All but :meth:`losses` look at the point where the parameters stand *now*: a rule that must look elsewhere (SAM, a
    line search) writes that point to ``params_P`` under ``torch.no_grad()``, asks, and writes the old one back before
    it moves. Only the first gradient of a step updates BatchNorm's running statistics; all else leaves them alone.

    ``evaluations`` grows with every answer: 1 for a gradient, 1/3 for a loss alone, 1 for a slope, 2 for a
    Hessian-vector product; gradients of groups of a batch cost what their batch costs; an output Jacobian C + 1/3.

    Args:
        problem: whose loss.
        params_P: the leaf that the rule moves.
        buffers_B: the lane's own buffers.
    """

    def __init__(self, problem: Problem, params_P: Tensor, buffers_B: Tensor) -> None:
        self.problem, self.params_P, self.buffers_B = problem, params_P, buffers_B
        self.batch: Batch | None = None
        self.evaluations = 0.0
        self._fresh = True
        self._given: tuple[Tensor, Tensor] | None = None

    def begin(self, batch: Batch | None, given: tuple[Tensor, Tensor] | None = None) -> None:
        """Start a step on its batch; None is all data, or the function itself.

        Args:
            batch: inputs and targets.
            given: the first loss and gradient that will be asked for, where they are known; they cost what they cost.
        """
        self.batch, self._fresh, self._given = batch, True, given

    def loss_and_grad(self) -> tuple[Tensor, Tensor]:
        """Return the loss and its gradient [P]; the first one of a step is in training mode."""
        if self._given is not None:
            given, self._given, self._fresh = self._given, None, False
            self.evaluations += 1.0
            return given
        if self._fresh and self.batch is not None:
            loss = self.problem.batch_loss(self.params_P, self.buffers_B, *self.batch)
        else:
            loss = self._at(self.params_P)
        self._fresh = False
        (grad_P,) = torch.autograd.grad(loss, self.params_P)
        self.evaluations += 1.0
        return loss.detach(), grad_P

    def loss(self) -> Tensor:
        """Return the loss alone."""
        self.evaluations += FORWARD
        with torch.no_grad():
            return self._at(self.params_P)

    def losses(self, points_NP: Tensor) -> Tensor:
        """Return the losses [N] of other points, all on this step's batch."""
        self.evaluations += FORWARD * len(points_NP)
        with torch.no_grad():
            if self.problem.train is None:
                return self.problem.loss(points_NP, self.buffers_B)
            loss_N: Tensor = vmap(self._at, chunk_size=AT_ONCE)(points_NP)
        return loss_N

    def slope(self, v_P: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss and its directional derivative ∇L·v from one forward pass, without a backward one."""
        self.evaluations += DIRECTIONAL
        with warnings.catch_warnings(), torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
            # torch loads its rules for tangents when they are first needed, by a part of itself that it has deprecated.
            warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
            loss, slope = jvp(self._at, (self.params_P.detach(),), (v_P,))[:2]
        return loss, slope

    def hessian(self) -> Callable[[Tensor], Tensor]:
        """Return v ↦ H·v for vectors [P] or [N, P] at this point; the graph is built once and kept until dropped."""
        with sdpa_kernel(SDPBackend.MATH):
            loss = self._at(self.params_P)
            (grad_P,) = torch.autograd.grad(loss, self.params_P, create_graph=True)
        self.evaluations += 1.0

        graph = Graph((Stage(grad_P, self.params_P),))
        examples = 1 if self.problem.train is None else len(self.examples()[0])
        small = self.params_P.numel() * examples < BATCHED_WORK

        def product(v_P: Tensor) -> Tensor:
            V_NP = v_P if v_P.dim() == 2 else v_P.unsqueeze(0)
            self.evaluations += PRODUCT * len(V_NP)
            at_once = small and len(V_NP) > TRIAL and batches(graph, self.params_P)
            found_NP = torch.cat([graph.through(part_KP, at_once) for part_KP in V_NP.split(AT_ONCE)])
            return found_NP if v_P.dim() == 2 else found_NP.squeeze(0)

        return product

    def dense_hessian(self) -> Tensor:
        """Return H [P, P], symmetric, at the cost of P products."""
        eye_PP = torch.eye(self.params_P.numel(), dtype=self.params_P.dtype, device=self.params_P.device)
        found_PP = self.hessian()(eye_PP)
        return (found_PP + found_PP.T) / 2

    def group_gradients(self, groups: int | None = None) -> Tensor:
        """Return the gradients [K, P] of consecutive parts of the batch, BatchNorm frozen.

        Args:
            groups: how many parts of (nearly) equal size, at most one for each example; None is one for each.

        Returns:
            One mean gradient a part. With equal parts their mean is the gradient of the batch.
        """
        x, y = self.examples()
        count = len(x) if groups is None else min(groups, len(x))
        self.evaluations += 1.0
        params_P = self.params_P.detach()

        def loss(at_P: Tensor, part_x: Tensor, part_y: Tensor) -> Tensor:
            return self.problem.loss(at_P, self.buffers_B, Data(part_x, part_y))

        if len(x) % count:
            parts = zip(x.tensor_split(count), y.tensor_split(count), strict=True)
            return torch.stack([grad(loss)(params_P, *part) for part in parts])
        x_KM, y_KM = x.unflatten(0, (count, -1)), y.unflatten(0, (count, -1))
        found_KP: Tensor = vmap(grad(loss), in_dims=(None, 0, 0), chunk_size=AT_ONCE)(params_P, x_KM, y_KM)
        return found_KP

    def jacobian(self) -> tuple[Tensor, Tensor]:
        """Return the outputs [M, C] of the batch and their derivatives [M, C, P], BatchNorm frozen."""
        x, _ = self.examples()
        params_P = self.params_P.detach()

        def outputs(at_P: Tensor, one: Tensor) -> tuple[Tensor, Tensor]:
            out_C = self.problem.outputs(at_P, self.buffers_B, one.unsqueeze(0)).squeeze(0)
            return out_C, out_C

        found = vmap(torch.func.jacrev(outputs, has_aux=True), in_dims=(None, 0), chunk_size=AT_ONCE)(params_P, x)
        jacobian_MCP, out_MC = found
        self.evaluations += FORWARD + out_MC.shape[1]
        return out_MC, jacobian_MCP

    def output_hessian(self, out_MC: Tensor) -> Tensor:
        """Return ∂²ℓᵢ/∂f² [M, C, C] of each example's own loss at these outputs; costs nothing beside a gradient.

        For cross-entropy, the logistic loss and the squared error with factor ½ this is the Fisher information of the
        outputs; with another factor it is 2·factor times that of a unit Gaussian.
        """
        _, y = self.examples()

        def alone(out_C: Tensor, one: Tensor) -> Tensor:
            return self.problem.criterion(out_C.unsqueeze(0), one.unsqueeze(0))

        found: Tensor = vmap(torch.func.jacrev(torch.func.jacrev(alone)))(out_MC.detach(), y)
        return found

    def examples(self) -> Batch:
        """Return inputs and targets of this step's batch; all training data where there are no batches.

        Raises:
            ValueError: for a function, which has none.
        """
        if self.batch is not None:
            return self.batch
        if self.problem.train is None:
            raise ValueError("expected a network on data, got a function, which has no examples")
        return self.problem.train.x, self.problem.train.y

    def _at(self, params_P: Tensor) -> Tensor:
        data = None if self.batch is None else Data(*self.batch)
        return self.problem.loss(params_P, self.buffers_B, data, BATCH)
