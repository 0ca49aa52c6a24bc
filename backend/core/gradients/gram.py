"""Who pulls with whom: the inner products of all examples' gradients.

Shapes: N examples, p parameters of a layer, o outputs and i inputs of a dense layer.
"""

from itertools import pairwise
from typing import Final

from torch import Tensor

from backend.core.gradients.per_sample import Part

STRIPES: Final = 2  # of rows: what lies below the diagonal is that which lies above, ¾ of the products are left
SMALL: Final = 128  # examples, below which the products are not worth dividing


def gram(part: Part) -> Tensor:
    """Return K = G Gᵀ [N, N] of one layer, Kᵢⱼ = ⟨gᵢ, gⱼ⟩; a network's is the sum over its layers.

    For a dense layer gᵢ = δᵢ ⊗ (xᵢ, 1), so that K = (δ δᵀ) ∘ (x xᵀ + 1): o + i products a pair instead of o·i.

    Args:
        part: the layer's gradients.

    Returns:
        The matrix, symmetric.
    """
    like = part.grad_Np if part.slope_No is None else part.slope_No
    count = len(like)
    found_NN = like.new_empty(count, count)
    for start, stop in _bounds(count, like.device.type):
        _fill(part, found_NN, slice(start, stop), slice(start, count))
        found_NN[stop:, start:stop] = found_NN[start:stop, stop:].T
    return found_NN


def _bounds(count: int, device: str) -> list[tuple[int, int]]:
    if count < SMALL or device != "cpu":
        return [(0, count)]
    ends = [count * k // STRIPES for k in range(STRIPES + 1)]
    return list(pairwise(ends))


def _fill(part: Part, found_NN: Tensor, rows: slice, columns: slice) -> None:
    if part.slope_No is None or part.input_Ni is None:
        found_NN[rows, columns] = part.grad_Np[rows] @ part.grad_Np[columns].T
        return
    inputs_nn = part.input_Ni[rows] @ part.input_Ni[columns].T
    if part.biased:
        inputs_nn += 1
    found_NN[rows, columns] = inputs_nn.mul_(part.slope_No[rows] @ part.slope_No[columns].T)
