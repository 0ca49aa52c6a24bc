"""Analytic test functions: values, closed-form Hessians and known minima.

Shapes: D variables; values take points [..., D] to [...], Hessians take one point [D] to [D, D].
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from backend.schemas.problem.function import AnyFunction, QuadraticFunction


@dataclass(frozen=True)
class Analytic:
    """What is known of a function without computing: its formula, its Hessian and where it is smallest."""

    value: Callable[[Tensor], Tensor]
    hessian: Callable[[Tensor], Tensor]
    minima: tuple[tuple[float, ...], ...]  # global ones; of a curve of them a few points; none where unbounded
    minimum: float | None  # the value there; None where unbounded below


def analytic(spec: AnyFunction) -> Analytic:
    """Look up a function.

    Args:
        spec: which function; of its fields only the quadratic's matter here.

    Returns:
        Its formulas.

    Example:
        >>> import torch
        >>> from backend.schemas.problem.function import RosenbrockFunction
        >>> known = analytic(RosenbrockFunction())
        >>> float(known.value(torch.tensor(known.minima[0]))) == known.minimum
        True
    """
    if isinstance(spec, QuadraticFunction):
        return quadratic(curvatures(spec.dimensions, spec.condition))
    return FUNCTIONS[spec.kind]


def curvatures(dimensions: int, condition: float) -> tuple[float, ...]:
    """Return λᵢ = κ^(i/(d−1)), i = 0 … d − 1: from 1 to the condition number κ, evenly spaced in the logarithm."""
    return tuple(condition ** (index / max(1, dimensions - 1)) for index in range(dimensions))


def quadratic(curvatures_D: tuple[float, ...]) -> Analytic:
    """Make f(x) = ½ Σᵢ λᵢ xᵢ², whose Hessian is diag λ."""
    exact_D = torch.tensor(curvatures_D, dtype=torch.float64)

    def value(x: Tensor) -> Tensor:
        return 0.5 * (exact_D.to(x) * x.square()).sum(-1)

    def hessian(x: Tensor) -> Tensor:
        return torch.diag(exact_D.to(x))

    return Analytic(value, hessian, ((0.0,) * len(curvatures_D),), 0.0)


def _symmetric(xx: Tensor, xy: Tensor, yy: Tensor) -> Tensor:
    return torch.stack([torch.stack([xx, xy]), torch.stack([xy, yy])])


def rosenbrock(x: Tensor) -> Tensor:
    """f(x, y) = (1 − x)² + 100 (y − x²)²."""
    x, y = x.unbind(-1)
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def rosenbrock_hessian(x: Tensor) -> Tensor:
    """∂xx = 2 − 400y + 1200x², ∂xy = −400x, ∂yy = 200."""
    x, y = x.unbind(-1)
    return _symmetric(2 - 400 * y + 1200 * x**2, -400 * x, torch.full_like(x, 200))


BEALE: Final = (1.5, 2.25, 2.625)


def beale(x: Tensor) -> Tensor:
    """f(x, y) = Σᵢ tᵢ², tᵢ = cᵢ − x + xyⁱ, i = 1, 2, 3, c = 1.5, 2.25, 2.625."""
    x, y = x.unbind(-1)
    return (BEALE[0] - x + x * y) ** 2 + (BEALE[1] - x + x * y**2) ** 2 + (BEALE[2] - x + x * y**3) ** 2


def beale_hessian(x: Tensor) -> Tensor:
    """2 Σᵢ (∇tᵢ∇tᵢᵀ + tᵢ∇²tᵢ) with ∂x tᵢ = yⁱ − 1, ∂y tᵢ = i·x·yⁱ⁻¹, ∂xy tᵢ = i·yⁱ⁻¹, ∂yy tᵢ = i(i − 1)·x·yⁱ⁻²."""
    x, y = x.unbind(-1)
    total = torch.zeros(2, 2, dtype=x.dtype, device=x.device)
    for i, c in enumerate(BEALE, start=1):
        t = c - x + x * y**i
        gradient = torch.stack([y**i - 1, i * x * y ** (i - 1)])
        bend = i * (i - 1) * x * y ** max(0, i - 2)
        total = total + torch.outer(gradient, gradient) + t * _symmetric(torch.zeros_like(x), i * y ** (i - 1), bend)
    return 2 * total


def himmelblau(x: Tensor) -> Tensor:
    """f(x, y) = (x² + y − 11)² + (x + y² − 7)²."""
    x, y = x.unbind(-1)
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def himmelblau_hessian(x: Tensor) -> Tensor:
    """∂xx = 12x² + 4y − 42, ∂xy = 4x + 4y, ∂yy = 12y² + 4x − 26."""
    x, y = x.unbind(-1)
    return _symmetric(12 * x**2 + 4 * y - 42, 4 * x + 4 * y, 12 * y**2 + 4 * x - 26)


def rastrigin(x: Tensor) -> Tensor:
    """f(x) = Σᵢ (10 + xᵢ² − 10 cos 2πxᵢ)."""
    return (10 + x.square() - 10 * torch.cos(2 * math.pi * x)).sum(-1)


def rastrigin_hessian(x: Tensor) -> Tensor:
    """diag(2 + 40π² cos 2πxᵢ)."""
    return torch.diag(2 + 40 * math.pi**2 * torch.cos(2 * math.pi * x))


def ackley(x: Tensor) -> Tensor:
    """f(x, y) = 20 + e − 20 exp(−0.2 s) − exp(c), s = √(½(x² + y²)), c = ½(cos 2πx + cos 2πy).

    The origin is a cusp; its gradient there is given as 0.

    Returns:
        The values.
    """
    s = torch.linalg.vector_norm(x, dim=-1) / math.sqrt(2)
    c = 0.5 * torch.cos(2 * math.pi * x).sum(-1)
    return 20 * (1 - torch.exp(-0.2 * s)) + (math.e - torch.exp(c))


def ackley_hessian(x: Tensor) -> Tensor:
    """4e^(−s/5) ∇²s − 0.8e^(−s/5) ∇s∇sᵀ − eᶜ (∇c∇cᵀ + ∇²c).

    With ∇s = x/(2s), ∇²s = I/(2s) − xxᵀ/(4s³), ∇c = −π sin 2πx and ∇²c = −2π² diag(cos 2πx). NaN at the origin, a
    cusp without a Hessian.

    Returns:
        The Hessian.
    """
    s = torch.linalg.vector_norm(x) / math.sqrt(2)
    gradient_s, gradient_c = x / (2 * s), -math.pi * torch.sin(2 * math.pi * x)
    bend_s = torch.eye(2, dtype=x.dtype, device=x.device) / (2 * s) - torch.outer(x, x) / (4 * s**3)
    bend_c = torch.diag(-2 * math.pi**2 * torch.cos(2 * math.pi * x))
    cone = torch.exp(-0.2 * s) * (4 * bend_s - 0.8 * torch.outer(gradient_s, gradient_s))
    peak = torch.exp(0.5 * torch.cos(2 * math.pi * x).sum())
    hessian: Tensor = cone - peak * (torch.outer(gradient_c, gradient_c) + bend_c)
    return hessian


def saddle(x: Tensor) -> Tensor:
    """f(x, y) = ½x² − ½y² + ¼y⁴."""
    x, y = x.unbind(-1)
    return 0.5 * x**2 - 0.5 * y**2 + 0.25 * y**4


def saddle_hessian(x: Tensor) -> Tensor:
    """diag(1, 3y² − 1)."""
    x, y = x.unbind(-1)
    return torch.diag(torch.stack([torch.ones_like(x), 3 * y**2 - 1]))


def monkey_saddle(x: Tensor) -> Tensor:
    """f(x, y) = x³ − 3xy²."""
    x, y = x.unbind(-1)
    return x**3 - 3 * x * y**2


def monkey_saddle_hessian(x: Tensor) -> Tensor:
    """∂xx = 6x, ∂xy = −6y, ∂yy = −6x."""
    x, y = x.unbind(-1)
    return _symmetric(6 * x, -6 * y, -6 * x)


def scalar_network(x: Tensor) -> Tensor:
    """f(x, y) = ½(xy − 1)²."""
    x, y = x.unbind(-1)
    return 0.5 * (x * y - 1) ** 2


def scalar_network_hessian(x: Tensor) -> Tensor:
    """∂xx = y², ∂xy = 2xy − 1, ∂yy = x²."""
    x, y = x.unbind(-1)
    return _symmetric(y**2, 2 * x * y - 1, x**2)


HIMMELBLAU_MINIMA: Final = (
    (3.0, 2.0),
    (-2.805118086952745, 3.131312518250573),
    (-3.779310253377747, -3.283185991286170),
    (3.584428340330492, -1.848126526964404),
)
FUNCTIONS: Final = {
    "rosenbrock": Analytic(rosenbrock, rosenbrock_hessian, ((1.0, 1.0),), 0.0),
    "beale": Analytic(beale, beale_hessian, ((3.0, 0.5),), 0.0),
    "himmelblau": Analytic(himmelblau, himmelblau_hessian, HIMMELBLAU_MINIMA, 0.0),
    "rastrigin": Analytic(rastrigin, rastrigin_hessian, ((0.0, 0.0),), 0.0),
    "ackley": Analytic(ackley, ackley_hessian, ((0.0, 0.0),), 0.0),
    "saddle": Analytic(saddle, saddle_hessian, ((0.0, 1.0), (0.0, -1.0)), -0.25),
    "monkey_saddle": Analytic(monkey_saddle, monkey_saddle_hessian, (), None),
    "scalar_network": Analytic(scalar_network, scalar_network_hessian, ((1.0, 1.0), (2.0, 0.5), (-0.5, -2.0)), 0.0),
}
