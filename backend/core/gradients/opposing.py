"""Examples that a step helps most and those that it hurts most, and how their gradients oppose each other.

Shapes: N examples, P parameters.
"""

from typing import NamedTuple

from torch import Tensor


class Opposing(NamedTuple):
    """Two groups of examples: those whose loss fell most between two moments, and those whose rose most."""

    helped: Tensor  # indices, the most helped first
    hurt: Tensor
    change_N: Tensor  # of every example's loss


def opposing(loss_before_N: Tensor, loss_after_N: Tensor, count: int) -> Opposing:
    """Pick the ``count`` examples at each end of the change of loss.

    Rosenfeld & Risteski 2023, Outliers with opposing signals have an outsized effect on neural network optimization.

    Args:
        loss_before_N: each example's loss at the earlier moment.
        loss_after_N: at the later one.
        count: size of each group, at most N/2.

    Returns:
        The groups.

    Raises:
        ValueError: where there are fewer than two examples for each place.
    """
    change_N = loss_after_N - loss_before_N
    if not 0 < 2 * count <= len(change_N):
        raise ValueError(f"Two groups of {count} need {2 * count} examples at least, and there are {len(change_N)}.")
    order_N = change_N.argsort()
    return Opposing(order_N[:count], order_N.flip(0)[:count], change_N)


def group_cosine(grad_NP: Tensor, found: Opposing) -> float:
    """Return the cosine of both groups' mean gradients: near −1 where they oppose; NaN where one is 0."""
    helped_P, hurt_P = grad_NP[found.helped].mean(0), grad_NP[found.hurt].mean(0)
    return float(helped_P @ hurt_P / (helped_P.norm() * hurt_P.norm()))


def partners(cosine_AB: Tensor) -> list[int]:
    """Give each row the column that it is most opposed to, of those that earlier rows have left.

    Args:
        cosine_AB: cosines of the gradients of two groups of equal size.

    Returns:
        The columns, by row.
    """
    left = list(range(cosine_AB.shape[1]))
    chosen = []
    for cosine_B in cosine_AB.tolist():
        best = min(left, key=cosine_B.__getitem__)
        left.remove(best)
        chosen.append(best)
    return chosen
