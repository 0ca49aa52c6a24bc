"""Analytic test functions of a few variables, with known minima and Hessians."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from backend.schemas.base import SpecModel
from backend.schemas.fields import described, kind_of

Coordinate = Annotated[float, Field(ge=-1e6, le=1e6, description="A coordinate of the starting point.")]


class FunctionSpec(SpecModel):
    """What all test functions share."""

    title: ClassVar[str]
    summary: ClassVar[str]
    equation: ClassVar[str]
    reference: ClassVar[str]
    view: ClassVar[tuple[tuple[float, float], tuple[float, float]]]  # the box of (x, y) that a picture shows

    start: tuple[Coordinate, ...] = described((0.0, 0.0), "Where every lane starts.", min_length=1, max_length=1000)

    @property
    def dimensions(self) -> int:
        """Number of variables."""
        return 2

    @model_validator(mode="after")
    def _start_fits(self) -> Self:
        if len(self.start) != self.dimensions:
            raise ValueError(f"expected a start of {self.dimensions} coordinates, got {len(self.start)}")
        return self


def start_at(*point: float) -> Any:
    """Make the ``start`` field with its default."""
    return described(point, "Where every lane starts.", min_length=1, max_length=1000)


class QuadraticFunction(FunctionSpec):
    """A bowl: f(x) = ½ Σᵢ λᵢ xᵢ², λ spaced evenly in the logarithm from 1 to the condition number."""

    title = "Quadratic"
    summary = "A bowl whose curvatures run from 1 to the condition number."
    equation = "f(x) = ½ Σᵢ λᵢ xᵢ², λ₁ = 1 … λ_d = κ"
    reference = "Nesterov 2004, Introductory lectures on convex optimization"
    view = ((-2.0, 2.0), (-2.0, 2.0))
    kind: Literal["quadratic"] = kind_of("quadratic")
    condition: float = described(
        10.0, "Condition number κ: the largest curvature over the smallest.", title="Condition number",
        scale="log", ge=1.0, le=1e8,
    )  # fmt: skip
    start: tuple[Coordinate, ...] = start_at(1.5, 1.0)

    @property
    def dimensions(self) -> int:
        """Number of variables: as many as the start has coordinates."""
        return len(self.start)


class RosenbrockFunction(FunctionSpec):
    """Rosenbrock's banana valley: f(x, y) = (1 − x)² + 100 (y − x²)², minimum 0 at (1, 1)."""

    title = "Rosenbrock"
    summary = "A curved, narrow valley with its minimum at (1, 1)."
    equation = "f(x, y) = (1 − x)² + 100 (y − x²)²"
    reference = "Rosenbrock 1960, An automatic method for finding the greatest or least value of a function"
    view = ((-2.0, 2.0), (-1.0, 3.0))
    kind: Literal["rosenbrock"] = kind_of("rosenbrock")
    start: tuple[Coordinate, ...] = start_at(-1.2, 1.0)


class BealeFunction(FunctionSpec):
    """Beale's function, minimum 0 at (3, ½), with flat plateaus and sharp corners."""

    title = "Beale"
    summary = "Flat plateaus with sharp corners, and its minimum at (3, ½)."
    equation = "f = (1.5 − x + xy)² + (2.25 − x + xy²)² + (2.625 − x + xy³)²"
    reference = "Beale 1958, On an iterative method for finding a local minimum of a function"
    view = ((-4.5, 4.5), (-4.5, 4.5))
    kind: Literal["beale"] = kind_of("beale")
    start: tuple[Coordinate, ...] = start_at(1.0, 1.5)


class HimmelblauFunction(FunctionSpec):
    """Himmelblau's function: four minima of value 0."""

    title = "Himmelblau"
    summary = "Four equal minima; the start decides which one is found."
    equation = "f = (x² + y − 11)² + (x + y² − 7)²"
    reference = "Himmelblau 1972, Applied nonlinear programming"
    view = ((-5.0, 5.0), (-5.0, 5.0))
    kind: Literal["himmelblau"] = kind_of("himmelblau")
    start: tuple[Coordinate, ...] = start_at(-0.5, -1.0)


class RastriginFunction(FunctionSpec):
    """Rastrigin's egg box, minimum 0 at the origin among many others."""

    title = "Rastrigin"
    summary = "An egg box: a bowl with a local minimum near every whole number."
    equation = "f = 20 + x² + y² − 10 (cos 2πx + cos 2πy)"
    reference = "Rastrigin 1974, Systems of extremal control"
    view = ((-5.12, 5.12), (-5.12, 5.12))
    kind: Literal["rastrigin"] = kind_of("rastrigin")
    start: tuple[Coordinate, ...] = start_at(3.3, -2.7)


class AckleyFunction(FunctionSpec):
    """Ackley's function: a nearly flat outer region and a deep hole at the origin."""

    title = "Ackley"
    summary = "A rippled, nearly flat plain with a deep hole at the origin."
    equation = "f = 20 + e − 20 exp(−0.2 √(½(x² + y²))) − exp(½(cos 2πx + cos 2πy))"
    reference = "Ackley 1987, A connectionist machine for genetic hillclimbing"
    view = ((-5.0, 5.0), (-5.0, 5.0))
    kind: Literal["ackley"] = kind_of("ackley")
    start: tuple[Coordinate, ...] = start_at(2.6, 1.8)


class SaddleFunction(FunctionSpec):
    """A saddle with two minima beyond it: f(x, y) = ½ x² − ½ y² + ¼ y⁴, minima −¼ at (0, ±1)."""

    title = "Saddle"
    summary = "A saddle at the origin, with a minimum on each side of it."
    equation = "f(x, y) = ½ x² − ½ y² + ¼ y⁴"
    reference = "Dauphin et al. 2014, Identifying and attacking the saddle point problem"
    view = ((-1.5, 1.5), (-1.5, 1.5))
    kind: Literal["saddle"] = kind_of("saddle")
    start: tuple[Coordinate, ...] = start_at(1.0, 0.001)


class MonkeySaddleFunction(FunctionSpec):
    """The monkey saddle: f(x, y) = x³ − 3xy², a degenerate saddle, unbounded below."""

    title = "Monkey saddle"
    summary = "Three ways down from a point whose Hessian is zero; unbounded below."
    equation = "f(x, y) = x³ − 3xy²"
    reference = "Hilbert & Cohn-Vossen 1932, Anschauliche Geometrie"
    view = ((-1.5, 1.5), (-1.5, 1.5))
    kind: Literal["monkey_saddle"] = kind_of("monkey_saddle")
    start: tuple[Coordinate, ...] = start_at(0.9, 0.3)


class ScalarNetworkFunction(FunctionSpec):
    """The smallest network, two weights fitting 1: f(x, y) = ½ (xy − 1)², minima along xy = 1."""

    title = "Scalar network"
    summary = "Two weights whose product should be 1: a valley of minima of every sharpness."
    equation = "f(x, y) = ½ (xy − 1)²"
    reference = (
        "Kreisler et al. 2023, Gradient descent monotonically decreases the sharpness of gradient flow solutions"
    )
    view = ((-3.0, 3.0), (-3.0, 3.0))
    kind: Literal["scalar_network"] = kind_of("scalar_network")
    start: tuple[Coordinate, ...] = start_at(2.5, 0.1)


FUNCTION_KINDS = (
    QuadraticFunction, RosenbrockFunction, BealeFunction, HimmelblauFunction, RastriginFunction, AckleyFunction,
    SaddleFunction, MonkeySaddleFunction, ScalarNetworkFunction,
)  # fmt: skip
AnyFunction = Annotated[
    QuadraticFunction
    | RosenbrockFunction
    | BealeFunction
    | HimmelblauFunction
    | RastriginFunction
    | AckleyFunction
    | SaddleFunction
    | MonkeySaddleFunction
    | ScalarNetworkFunction,
    Field(discriminator="kind"),
]
