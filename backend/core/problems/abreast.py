"""Losses and gradients of several points at once, each on its own batch: what a race of several lanes asks for.

Shapes: L points, P parameters, M examples of a batch, I inputs and O outputs of a layer, C outputs of the network.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import torch
from torch import Tensor

from backend.core.problems.function import FunctionMinimisation
from backend.core.problems.mlp import Mlp
from backend.core.problems.network import NetworkProblem
from backend.core.problems.problem import Problem
from backend.core.problems.products import NARROW
from backend.core.runtime.threads import threads
from backend.schemas.problem.model import Activation

Batch = tuple[Tensor, Tensor]  # inputs [M, ...] and targets [M, ...]
# Multiplications of one gradient (M·P) above which a point's own arithmetic is all that counts, and going side by side
# only costs cache. Measured on one core, tanh nets on batches of 128, eight points: 5.2 times as fast for 3,466
# parameters, 2.2 for 26,122 and 1.3 for 101,770.
LARGEST: Final = 20e6
VALUES: Final = 1 << 18  # most hidden values of one pass; more points than that takes go one part after the other
# Values that a loop over a tensor takes at once come in whole vectors; those left over at its end are rounded otherwise
# (exp, tanh …). Where every point has a multiple of this many rows, nothing is ever left over.
WHOLE: Final = 32  # and one thread: where a loop is cut for several hangs on how many points there are


class Abreast(Protocol):
    """Gradients of L points by one program.

    On a CPU those of a point are the same to the last bit whichever points are beside it, and however many: one to all.
    """

    def gradients(self, params_LP: Tensor, batches: Sequence[Batch | None]) -> tuple[Tensor, Tensor]:
        """Return the losses [L] and gradients [L, P] at points [L, P], each on its batch."""
        ...


def abreast(problem: Problem, batch_size: int | None) -> Abreast | None:
    """Choose the program for gradients of several points.

    Args:
        problem: whose gradients.
        batch_size: M; None for all data, or a function.

    Returns:
        The program; None where there is none, or one point after the other is as fast.
    """
    if isinstance(problem, FunctionMinimisation):
        return _Points(problem)
    if isinstance(problem, NetworkProblem) and isinstance(problem.model, Mlp) and problem.train is not None:
        examples = min(batch_size or len(problem.train), len(problem.train))
        return _Dense(problem, problem.model) if examples * problem.layout.size <= LARGEST else None
    return None


class _Points:
    """Of a function: the gradient of the sum of its values is theirs, end to end."""

    def __init__(self, function: FunctionMinimisation) -> None:
        self._function = function

    def gradients(self, params_LP: Tensor, batches: Sequence[Batch | None]) -> tuple[Tensor, Tensor]:
        """Differentiate all values in one pass; the last point again and again makes the points whole vectors."""
        count = len(params_LP)
        more_LP = params_LP[-1:].expand(-count % WHOLE, -1)
        leaf_LP = torch.cat((params_LP.detach(), more_LP.detach())).requires_grad_()
        with threads(1):
            loss_L = self._function.loss(leaf_LP, leaf_LP[:0])
            (grad_LP,) = torch.autograd.grad(loss_L, leaf_LP, torch.ones_like(loss_L))
        return loss_L.detach()[:count], grad_LP[:count]


class _Dense:
    """Of a plain dense network: forwards z_l = W_l·φ(z_{l−1}) + b_l, backwards δ_{l−1} = φ'(z_{l−1}) ⊙ W_lᵀδ_l.

    The gradient's parts are δ_l·φ(z_{l−1})ᵀ and Σₙ δ_l; the loss alone goes through autograd. The products of all
    points are one batched product. The same as autograd's to a rounding error.
    """

    def __init__(self, problem: NetworkProblem, model: Mlp) -> None:
        self._problem, self._layers = problem, len(model.shapes)
        self._curve = CURVES[model.spec.activation]
        self._widest = max(max(shape) for shape in model.shapes)

    def gradients(self, params_LP: Tensor, batches: Sequence[Batch | None]) -> tuple[Tensor, Tensor]:
        """Sweep forwards and backwards through the layers of all points, a few at a time where they are large."""
        there = [batch for batch in batches if batch is not None]
        some = max(1, VALUES // (len(there[0][0]) * self._widest))
        with threads(1):
            found = [
                self._some(params_LP[first : first + some], there[first : first + some])
                for first in range(0, len(there), some)
            ]
        if len(found) == 1:
            return found[0]
        return torch.cat([loss_L for loss_L, _ in found]), torch.cat([grad_LP for _, grad_LP in found])

    @torch.no_grad()
    def _some(self, params_LP: Tensor, batches: Sequence[Batch]) -> tuple[Tensor, Tensor]:
        x_LMI, y_LM = _together(batches)  # with rows of zeros to whole vectors
        tensors = self._problem.layout.parts(params_LP)
        inputs, slopes = [x_LMI], []
        z_LMO = _dense(x_LMI, tensors[0], tensors[1])
        for weight_LOI, bias_LO in zip(tensors[2::2], tensors[3::2], strict=True):
            value_LMI, slope_LMI = self._curve(z_LMO)
            inputs.append(value_LMI)
            slopes.append(slope_LMI)
            z_LMO = _dense(value_LMI, weight_LOI, bias_LO)
        loss_L, error_LMO = self._loss(z_LMO, y_LM, len(batches[0][0]))
        found: list[Tensor] = []
        for layer in reversed(range(self._layers)):
            found += (error_LMO.sum(1), torch.bmm(error_LMO.transpose(1, 2), inputs[layer]).flatten(1))
            if layer:
                error_LMO = torch.bmm(error_LMO, tensors[2 * layer]).mul_(slopes[layer - 1])
        return loss_L, torch.cat(found[::-1], 1)

    def _loss(self, out_LMC: Tensor, y_LM: Tensor, examples: int) -> tuple[Tensor, Tensor]:
        """Return the mean loss of every point [L] and its derivative by the outputs [L, M, C]: 0 after the examples."""
        count, size, width = out_LMC.shape
        out_CN = out_LMC.permute(2, 0, 1).reshape(width, -1)  # as cross-entropy is quickest
        each_N, slope_NC = self._problem.slopes(out_CN.t(), y_LM.flatten(0, 1))
        error_LMC = slope_NC.t().view(width, count, size).permute(1, 2, 0).contiguous().div_(examples)
        error_LMC[:, examples:] = 0.0
        return each_N.view(count, size)[:, :examples].mean(1), error_LMC


def _together(batches: Sequence[Batch]) -> Batch:
    """Return inputs [L, M, I] and targets [L, M, ...]: copies of different batches, views of one that all share."""
    x, y = batches[0]
    if all(batch[0] is x for batch in batches):
        x, y = _whole(x), _whole(y)
        return x.expand(len(batches), *x.shape), y.expand(len(batches), *y.shape)
    return torch.stack([_whole(batch[0]) for batch in batches]), torch.stack([_whole(batch[1]) for batch in batches])


def _whole(rows_M: Tensor) -> Tensor:
    """Append rows of zeros until there is a multiple of :data:`WHOLE`."""
    more = -len(rows_M) % WHOLE
    return torch.cat((rows_M, rows_M.new_zeros(more, *rows_M.shape[1:]))) if more else rows_M


def _dense(x_LMI: Tensor, weight_LOI: Tensor, bias_LO: Tensor) -> Tensor:
    """Return x·Wᵀ + b [L, M, O] of every point; for few outputs as (W·xᵀ + b)ᵀ, which takes a third of the time."""
    if weight_LOI.shape[1] >= NARROW:
        return torch.baddbmm(bias_LO.unsqueeze(1), x_LMI, weight_LOI.transpose(1, 2))
    return torch.baddbmm(bias_LO.unsqueeze(2), weight_LOI, x_LMI.transpose(1, 2)).transpose(1, 2)


# φ(z) and φ'(z) of each nonlinearity.


def _tanh(z: Tensor) -> tuple[Tensor, Tensor]:
    # 2σ(2z) − 1: a third of the time of torch.tanh on a CPU
    value = torch.sigmoid_(z + z).mul_(2).sub_(1)
    return value, value.square().neg_().add_(1)


def _relu(z: Tensor) -> tuple[Tensor, Tensor]:
    return torch.relu(z), (z > 0).to(z.dtype)


def _sigmoid(z: Tensor) -> tuple[Tensor, Tensor]:
    value = torch.sigmoid(z)
    return value, value * (1 - value)


def _silu(z: Tensor) -> tuple[Tensor, Tensor]:
    gate = torch.sigmoid(z)
    value = z * gate
    return value, gate + value * (1 - gate)


def _gelu(z: Tensor) -> tuple[Tensor, Tensor]:
    below = 0.5 * (1 + torch.erf(z * math.sqrt(0.5)))
    return z * below, below + z * torch.exp(-0.5 * z * z) * (1 / math.sqrt(2 * math.pi))


CURVES: Final[dict[Activation, Callable[[Tensor], tuple[Tensor, Tensor]]]] = {
    "tanh": _tanh,
    "relu": _relu,
    "sigmoid": _sigmoid,
    "silu": _silu,
    "gelu": _gelu,
}
