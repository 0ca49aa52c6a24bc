"""How much of a vector, or of another subspace, lies in the top eigenspace.

Shapes: P parameters, K orthonormal vectors.
"""

from torch import Tensor


def fraction_in(V_KP: Tensor, vector_P: Tensor) -> float:
    """Return f = ‖V·g‖²/‖g‖², between 0 and 1; a random vector has K/P on average. NaN for a zero vector.

    Gur-Ari, Roberts & Dyer 2018, Gradient descent happens in a tiny subspace.

    Args:
        V_KP: an orthonormal basis, one vector a row.
        vector_P: the gradient, or an update.

    Returns:
        The fraction.
    """
    whole = float(vector_P.double().square().sum())
    inside = float((V_KP @ vector_P).double().square().sum())
    return min(inside / whole, 1.0) if whole > 0.0 else float("nan")


def subspace_overlap(V_KP: Tensor, W_KP: Tensor) -> float:
    """Return tr(P_V·P_W)/K = ‖V·Wᵀ‖_F²/K for two subspaces of the same dimension: 1 the same, K/P on average at random.

    Gur-Ari, Roberts & Dyer 2018, Gradient descent happens in a tiny subspace.

    Args:
        V_KP: an orthonormal basis, one vector a row.
        W_KP: another.

    Returns:
        The overlap, between 0 and 1.

    Raises:
        ValueError: where the two are not of one shape.
    """
    if V_KP.shape != W_KP.shape:
        raise ValueError(f"expected two bases of one shape, got {tuple(V_KP.shape)} and {tuple(W_KP.shape)}")
    return min(float((V_KP @ W_KP.T).double().square().sum()) / len(V_KP), 1.0)


def baseline(k: int, size: int) -> float:
    """Return K/P: what a random vector has in a subspace of K of P dimensions, on average."""
    return k / size
