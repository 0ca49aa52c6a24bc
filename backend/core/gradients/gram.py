"""Who pulls with whom: the inner products of all examples' gradients.

Shapes: N examples, p parameters of a layer, o outputs and i inputs of a dense layer.
"""

from torch import Tensor

from backend.core.gradients.per_sample import Part


def gram(part: Part) -> Tensor:
    """Return K = G Gᵀ [N, N] of one layer, Kᵢⱼ = ⟨gᵢ, gⱼ⟩; a network's is the sum over its layers.

    For a dense layer gᵢ = δᵢ ⊗ (xᵢ, 1), so that K = (δ δᵀ) ∘ (x xᵀ + 1): o + i products a pair instead of o·i.

    Args:
        part: the layer's gradients.

    Returns:
        The matrix, symmetric.
    """
    if part.slope_No is None or part.input_Ni is None:
        return part.grad_Np @ part.grad_Np.T
    inputs_NN = part.input_Ni @ part.input_Ni.T
    if part.biased:
        inputs_NN = inputs_NN + 1
    return (part.slope_No @ part.slope_No.T) * inputs_NN
