"""Where gradient flow would go from here, and how sharp it is there.

Shapes: P parameters.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.integrate import RK45
from torch import Tensor

from backend.core.analyses.base import Moment
from backend.core.problems.problem import Data, Problem

BUDGET: Final = 20_000  # gradients


@dataclass(frozen=True, eq=False)
class Flow:
    """A place on the flow line; ``converged`` where the gradient is small enough to call it the end."""

    moment: Moment
    time: float
    grad_norm: float
    gradients: int  # evaluated so far
    converged: bool


def gradient_flow(
    problem: Problem,
    moment: Moment,
    data: Data | None = None,
    *,
    grad_tol: float = 1e-6,
    rtol: float = 1e-6,
    budget: int = BUDGET,
) -> Generator[Flow, None, Flow]:
    """Follow θ' = −∇L(θ) from a moment until ‖∇L‖ ≤ ``grad_tol``; for small problems.

    The sharpness of the end, the *gradient-flow-solution sharpness*, falls along gradient descent even while the loss
    goes up and down. On L = ½(ab − 1)² flow keeps a² − b², and the end's sharpness is √((a² − b²)² + 4).

    Dormand and Prince's method of order 5(4) with adaptive steps. The flow is stiff: steps stay below 3.3/λ_max, so
    the cost grows with λ_max/λ_min. Six gradients a step.

    Kreisler et al. 2023, Gradient descent monotonically decreases the sharpness of gradient flow solutions in scalar
    networks and beyond.

    Args:
        problem: whose loss.
        moment: the start.
        data: the examples; None is the whole training split, or the function itself.
        grad_tol: gradient norm at which the flow has ended.
        rtol: relative accuracy of each step.
        budget: most gradients.

    Yields:
        The place after each step.

    Returns:
        The last place; not ``converged`` where the budget was spent, the steps became too small, or the gradient was
        not finite, first.

    Raises:
        ValueError: where a tolerance is not above 0.
    """
    if not (grad_tol > 0.0 and rtol > 0.0):
        raise ValueError(f"expected tolerances above 0, got grad_tol {grad_tol} and rtol {rtol}")

    def slope(_: float, at: NDArray[Any]) -> NDArray[Any]:
        params_P = torch.from_numpy(at).to(moment.params_P).requires_grad_(True)
        (grad_P,) = torch.autograd.grad(problem.loss(params_P, moment.buffers_B, data), params_P)
        falling: NDArray[Any] = -grad_P.to("cpu", torch.float64).numpy()
        return falling

    start = moment.params_P.detach().to("cpu", torch.float64).numpy()
    with np.errstate(all="ignore"):  # where the gradient overflows, it ends below
        solver = RK45(slope, 0.0, start.copy(), np.inf, rtol=rtol, atol=rtol * 1e-3)
    while True:
        norm = float(np.linalg.norm(solver.f))
        place = Moment(moment.step, _params(solver.y, moment.params_P), moment.buffers_B)
        flow = Flow(place, float(solver.t), norm, int(solver.nfev), norm <= grad_tol)
        yield flow
        if flow.converged or solver.nfev >= budget or solver.status == "failed" or not np.isfinite(norm):
            return flow
        solver.step()


def _params(values: NDArray[Any], like: Tensor) -> Tensor:
    return torch.from_numpy(values.copy()).to(like)
