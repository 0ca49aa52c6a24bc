"""What the analyses of curvature share."""

from typing import Any, Final, Literal, get_args

from backend.schemas.fields import described

Matrix = Literal["hessian", "gauss_newton", "residual"]
MATRICES: Final[tuple[Matrix, ...]] = get_args(Matrix)


def matrix() -> Any:
    """Make the ``matrix`` field."""
    return described(
        "hessian",
        "The Hessian H, its Gauss–Newton part G (no second derivatives of the network), or the rest H − G.",
    )


def tolerance(default: float = 1e-3) -> Any:
    """Make the ``tol`` field."""
    return described(
        default,
        "Largest residual ‖Hv − λv‖ as a share of |λ| at which an eigenvalue counts as found.",
        title="Tolerance", scale="log", gt=0.0, le=0.5,
    )  # fmt: skip


def budget() -> Any:
    """Make the ``budget`` field."""
    return described(
        1000,
        "Most Hessian-vector products at a point; what has not converged by then is told with its residuals.",
        unit="products", ge=200, le=1_000_000,
    )  # fmt: skip


def probes(default: int) -> Any:
    """Make the ``probes`` field."""
    return described(default, "Random vectors that are averaged over; errors fall as 1/√probes.", ge=1, le=1000)


def lanczos_steps(default: int) -> Any:
    """Make the ``steps`` field."""
    return described(
        default, "Lanczos steps for each random vector: how finely it resolves.", unit="products", ge=2, le=500
    )
