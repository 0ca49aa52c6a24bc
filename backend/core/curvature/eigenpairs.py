"""What an eigenvalue solver says: as it goes, and at its end.

Shapes: P parameters, K eigenpairs.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Final, Literal, TypeVar

import torch
from torch import Tensor

Which = Literal["largest", "smallest", "both"]
NEGLIGIBLE: Final = 1e-3  # an eigenvalue below this share of the largest magnitude counts as this share of it

StepT = TypeVar("StepT")
ResultT = TypeVar("ResultT")


@dataclass(frozen=True, eq=False)
class Estimates:
    """Ritz values, algebraically descending, with their true residuals; all float64 on the CPU.

    There is an eigenvalue of A within ‖A·x − θ·x‖ of each. ``settled`` says which residuals are small enough.
    """

    values_K: Tensor
    residuals_K: Tensor
    settled_K: Tensor
    products: int  # spent so far


@dataclass(frozen=True, eq=False)
class Eigenpairs:
    """The end of a search; ``converged`` only where the residuals are small and nothing beyond was found."""

    values_K: Tensor  # algebraically descending, float64 on the CPU
    residuals_K: Tensor  # ‖A·x − λ·x‖
    vectors_KP: Tensor  # orthonormal, of the operator's number format
    converged: bool
    products: int  # A times a vector, in all

    @property
    def sharpness(self) -> float:
        """The algebraically largest of the values."""
        return float(self.values_K[0])


def allowed(values_K: Tensor, tol: float, magnitude: float) -> Tensor:
    """Return the residuals [K] that are small enough: tol · max(|λ|, ε), ε a thousandth of the largest magnitude."""
    return tol * values_K.abs().clamp(min=NEGLIGIBLE * magnitude)


def require_k(k: int, size: int, which: Which = "largest") -> None:
    """Refuse a count of eigenvalues that there is no room for.

    Raises:
        ValueError: where k is not at least 1, and below P (at both ends: at most P/2).
    """
    if k < 1:
        raise ValueError(f"expected k of 1 or more, got {k}; ask for at least one eigenvalue")
    if which == "both":
        if 2 * k > size:
            raise ValueError(f"expected k of at most half of the {size} parameters at both ends, got {k}; lower k")
    elif k >= size:
        raise ValueError(f"expected k below the number of parameters ({size}), got {k}; lower k")


def require_tol(tol: float) -> None:
    """Refuse a tolerance that no residual can meet.

    Raises:
        ValueError: where it is not above 0.
    """
    if not tol > 0.0:
        raise ValueError(f"expected a tolerance above 0, got {tol}; 1e-3 is enough for a plot, 1e-6 for a test")


def finish(search: Generator[StepT, None, ResultT]) -> ResultT:
    """Run a search to its end and return its result."""
    while True:
        try:
            next(search)
        except StopIteration as end:
            result: ResultT = end.value
            return result


def random_vector(size: int, like: Tensor, generator: torch.Generator) -> Tensor:
    """Draw a vector [P] with independent normal entries, on the CPU whatever the device."""
    return torch.randn(size, generator=generator, dtype=torch.float64).to(like.dtype).to(like.device)
