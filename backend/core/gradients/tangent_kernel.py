"""The neural tangent kernel: what a step on one example does to the outputs on another.

Shapes: N examples, C outputs, P parameters in all.
"""

from collections.abc import Generator
from typing import Final

import torch
from torch import Tensor
from torch.func import jacrev, vmap

from backend.core.analyses.base import TICK, Moment, Tick
from backend.core.curvature.eigenpairs import finish
from backend.core.problems.problem import Data, Problem

PIECE: Final = 10**9  # products of one piece of a kernel: some 20 ms of a core


def jacobian(problem: Problem, moment: Moment, data: Data, chunk: int = 16) -> Tensor:
    """Return J [N, C, P] at once; see :func:`slopes`."""
    return finish(slopes(problem, moment, data, chunk))


def slopes(problem: Problem, moment: Moment, data: Data, chunk: int = 16) -> Generator[Tick, None, Tensor]:
    """Work out J [N, C, P], the slopes of each output at each example, in chunks of examples.

    Args:
        problem: a network on data.
        moment: where.
        data: N examples; their targets are not used.
        chunk: examples at once.

    Yields:
        A tick for each chunk.

    Returns:
        The Jacobian; N·C·P numbers.
    """

    def alone(params_P: Tensor, x: Tensor) -> Tensor:
        return problem.outputs(params_P, moment.buffers_B, x.unsqueeze(0)).squeeze(0)

    each = vmap(jacrev(alone), (None, 0), randomness="different")
    found: Tensor | None = None
    for start in range(0, len(data), chunk):
        part: Tensor = each(moment.params_P.detach(), data.x[start : start + chunk])
        if found is None:
            found = torch.empty((len(data), *part.shape[1:]), dtype=part.dtype, device=part.device)
        found[start : start + chunk] = part
        yield TICK
    assert found is not None
    return found


def kernel(jacobian_NCP: Tensor) -> Tensor:
    """Return the empirical tangent kernel at once; see :func:`kernel_in_pieces`."""
    return finish(kernel_in_pieces(jacobian_NCP))


def kernel_in_pieces(jacobian_NCP: Tensor, piece: int = PIECE) -> Generator[Tick, None, Tensor]:
    """Work out the empirical tangent kernel K = J Jᵀ [N·C, N·C], an example's outputs side by side.

    Under gradient flow on ½‖f − y‖² the outputs move by df/dt = −K (f − y).

    Jacot, Gabriel & Hongler 2018, Neural tangent kernel.

    Args:
        jacobian_NCP: the slopes.
        piece: products at once, about.

    Yields:
        A tick for each block of rows.

    Returns:
        The kernel; blocks above its diagonal mirror those below.
    """
    rows = jacobian_NCP.flatten(0, 1)
    found = rows.new_empty(len(rows), len(rows))
    step = max(1, piece // max(1, rows.numel()))
    for start in range(0, len(rows), step):
        block = slice(start, start + step)
        found[block, : start + step] = rows[block] @ rows[: start + step].T
        found[:start, block] = found[block, :start].T
        yield TICK
    return found


def summed_kernel(jacobian_NCP: Tensor) -> Tensor:
    """Return the kernel summed over outputs [N, N], K̄ᵢⱼ = Σ_c ⟨∇f_c(xᵢ), ∇f_c(xⱼ)⟩."""
    rows = jacobian_NCP.flatten(1)
    return rows @ rows.T


def target_alignment(kernel_NN: Tensor, target_NC: Tensor) -> float:
    """Return ⟨K, Y Yᵀ⟩ / (‖K‖·‖Y Yᵀ‖), both centred: how much the kernel already sorts as the targets do.

    1 where K = Y Yᵀ; 1/√(N−1) for one centred target and no kernel at all (K = 1). NaN where one of them is constant.

    Cristianini et al. 2001, On kernel-target alignment; Baratin et al. 2021, Implicit regularization via neural feature
    alignment.

    Args:
        kernel_NN: a kernel over examples.
        target_NC: targets, classes as one-hot vectors.

    Returns:
        The alignment.
    """
    centred_NN = centre(kernel_NN)
    target_NC = target_NC.to(kernel_NN.dtype)
    target_NC = target_NC - target_NC.mean(0)
    wanted_NN = target_NC @ target_NC.T
    size = centred_NN.norm() * wanted_NN.norm()
    return float((centred_NN * wanted_NN).sum() / size)


def centre(kernel_NN: Tensor) -> Tensor:
    """Return H K H with H = 1 − 𝟏𝟏ᵀ/N: the kernel of features with their mean taken away."""
    rows = kernel_NN - kernel_NN.mean(0, keepdim=True)
    return rows - rows.mean(1, keepdim=True)


def one_hot(y_N: Tensor, classes: int) -> Tensor:
    """Return classes [N] as vectors [N, C] of float64."""
    return torch.nn.functional.one_hot(y_N, classes).double()
