"""Classes as tasks: what their gradients' inner products say of conflicts, and of steps that serve them all.

Shapes: N examples, T tasks.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from backend.core.gradients.coherence import cosines
from backend.core.gradients.conflict import conflicting_share, magnitude_similarity, pcgrad, upgrad


class Tasks(NamedTuple):
    """Which tasks have examples, and the inner products of their mean gradients."""

    label_T: Tensor
    gram_TT: Tensor


class Served(NamedTuple):
    """The cosines of each task's gradient with a combined one: where it is positive, a small step helps the task."""

    mean_T: Tensor
    pcgrad_T: Tensor
    upgrad_T: Tensor


class Conflicts(NamedTuple):
    """How the tasks' gradients lie to each other."""

    cosine_TT: Tensor
    magnitude_TT: Tensor
    share: float
    served: Served


def of_classes(gram_NN: Tensor, y_N: Tensor) -> Tasks:
    """Return the inner products of the classes' mean gradients, from the examples' Gram matrix: M K Mᵀ.

    Args:
        gram_NN: inner products of the examples' gradients.
        y_N: their classes.

    Returns:
        The tasks, those alone that there are examples of.
    """
    labels_T = y_N.unique()
    member_TN = (labels_T[:, None] == y_N[None, :]).to(gram_NN.dtype)
    mean_TN = member_TN / member_TN.sum(1, keepdim=True)
    return Tasks(labels_T, mean_TN @ gram_NN @ mean_TN.T)


def conflicts(gram_TT: Tensor) -> Conflicts:
    """Tell conflicts from the tasks' Gram matrix alone.

    All of it depends on inner products only: it is worked out on T vectors of T entries that have the same ones, the
    rows of Q√Λ with K = QΛQᵀ, instead of the gradients themselves.

    Args:
        gram_TT: inner products of the tasks' gradients.

    Returns:
        The conflicts; NaN where a gradient is 0.
    """
    values_T, vectors_TT = torch.linalg.eigh(gram_TT)
    grad_TT = vectors_TT * values_T.clamp(min=0).sqrt()
    cosine_TT = cosines(gram_TT)

    def with_each(step_T: Tensor) -> Tensor:
        found: Tensor = grad_TT @ step_T / (grad_TT.norm(dim=1) * step_T.norm())
        return found

    served = Served(with_each(grad_TT.mean(0)), with_each(pcgrad(grad_TT)), with_each(upgrad(grad_TT)))
    return Conflicts(cosine_TT, magnitude_similarity(grad_TT), conflicting_share(cosine_TT), served)
