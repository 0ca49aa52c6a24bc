"""How much the examples pull the same way.

Shapes: N examples.
"""

from torch import Tensor


def coherence(gram_NN: Tensor) -> Tensor:
    """Return α = ‖E g‖² / E‖g‖², from the Gram matrix Kᵢⱼ = ⟨gᵢ, gⱼ⟩: Σᵢⱼ Kᵢⱼ / (N·tr K).

    1 where all gradients are equal, 1/N where they are orthogonal, 0 where they cancel. N·α (*m-coherence*) is the
    number of examples that the gradient of an average one helps, itself included. NaN where all gradients are 0.

    Chatterjee & Zielinski 2020, Making coherence out of nothing at all: measuring the evolution of gradient alignment.

    Args:
        gram_NN: the Gram matrix.

    Returns:
        α, a number.
    """
    return gram_NN.sum() / (len(gram_NN) * gram_NN.trace())


def cosines(gram_NN: Tensor) -> Tensor:
    """Return the cosine of every pair of gradients [N, N]; NaN where one of them is 0.

    Args:
        gram_NN: the Gram matrix.

    Returns:
        The cosines, 1 on the diagonal.
    """
    norm_N = gram_NN.diagonal().clamp(min=0).sqrt()
    return gram_NN / (norm_N[:, None] * norm_N[None, :])


def between_classes(cosine_NN: Tensor, y_N: Tensor, classes: int) -> Tensor:
    """Return the mean cosine of the gradients of each two classes [C, C], an example never with itself.

    NaN for a class without examples, and on the diagonal for one with a single example.

    Args:
        cosine_NN: the cosines.
        y_N: the examples' classes.
        classes: C.

    Returns:
        The means.
    """
    member_NC = (y_N[:, None] == y_N.new_tensor(range(classes))[None, :]).to(cosine_NN.dtype)
    off_NN = cosine_NN.nan_to_num() - cosine_NN.nan_to_num().diagonal().diag()
    total_CC = member_NC.T @ off_NN @ member_NC
    count_C = member_NC.sum(0)
    pairs_CC = count_C[:, None] * count_C[None, :] - count_C.diag()
    return total_CC / pairs_CC
