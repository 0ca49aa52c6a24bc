"""Differential equations with known solutions, and the trial functions that are fitted to them."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from backend.schemas.base import SpecModel
from backend.schemas.fields import described, kind_of


class AnsatzSpec(SpecModel):
    """What all trial functions share."""

    title: ClassVar[str]
    summary: ClassVar[str]
    equation: ClassVar[str]
    reference: ClassVar[str]


class NetworkAnsatz(AnsatzSpec):
    """A residual network with swish, s ← s + φ(W₂ φ(W₁ s + b₁) + b₂), times a factor that keeps the boundary values."""

    title = "Residual network"
    summary = "A swish residual network, times a factor that is 0 where the solution is known."
    equation = "s₀ = W₀x + b₀; s ← s + φ(W₂ φ(W₁ s + b₁) + b₂) a block; net = w·s + b; φ(z) = z/(1 + e⁻ᶻ)"
    reference = "E & Yu 2018, The deep Ritz method; Wu et al. 2021, arXiv 2103.11069"
    kind: Literal["network"] = kind_of("network")
    width: int | None = described(
        None, "Units of each layer; empty takes 4 for one coordinate, 10 for two, 20 for ten.", ge=1, le=1024
    )
    blocks: int | None = described(
        None, "Residual blocks; empty takes 1 for one coordinate, 2 for two, 3 for ten.", ge=0, le=16
    )


class SinesAnsatz(AnsatzSpec):
    """A sum of sine waves: a linear model, whose Hessian and condition number are known."""

    title = "Sine series"
    summary = "A linear model, u = Σ cₖ sin kπx, whose condition number is known; one space dimension."
    equation = "u = Σₖ cₖ sin kπx, k = 1 … K (periodic domains: cosines as well)"
    reference = (
        "De Ryck et al. 2023, An operator preconditioning perspective on training in physics-informed machine learning"
    )
    kind: Literal["sines"] = kind_of("sines")
    modes: int = described(8, "Waves K.", ge=1, le=200)


ANSATZ_KINDS = (NetworkAnsatz, SinesAnsatz)
AnyAnsatz = Annotated[NetworkAnsatz | SinesAnsatz, Field(discriminator="kind")]


class PdeSpec(SpecModel):
    """What all equations share: the trial function, and the points on which the loss is a mean."""

    title: ClassVar[str]
    summary: ClassVar[str]
    equation: ClassVar[str]
    reference: ClassVar[str]

    ansatz: AnyAnsatz = described(None, "What is fitted.", title="Trial function", factory=NetworkAnsatz)
    points: int = described(500, "Points of the domain that the loss is a mean over.", unit="points", ge=2, le=100_000)
    sampling: Literal["midpoints", "random"] = described(
        "midpoints",
        "The same points at every step (midpoints of equal intervals; a lattice of them for several coordinates), or "
        "new uniform ones.",
    )

    @property
    def coordinates(self) -> int:
        """Number of coordinates of a point, time included."""
        return 2


class PoissonPde(PdeSpec):
    """Poisson's equation on the unit cube, −Δu = π²d Πᵢ sin πxᵢ, u = 0 on the boundary; solution u = Πᵢ sin πxᵢ."""

    title = "Poisson"
    summary = "−Δu = f on the unit cube, by the squared residual (Galerkin) or the energy (Ritz)."
    equation = "−Δu = π²d Πᵢ sin πxᵢ; Galerkin: L = mean (−Δu − f)²; Ritz: L = mean (½|∇u|² − fu)"
    reference = (
        "Sirignano & Spiliopoulos 2018, DGM; E & Yu 2018, The deep Ritz method; Wu et al. 2021, arXiv 2103.11069"
    )
    kind: Literal["poisson"] = kind_of("poisson")
    dim: Literal[1, 2, 10] = described(1, "Dimensions of space.", title="Dimensions")
    method: Literal["galerkin", "ritz"] = described(
        "galerkin", "The loss: the squared residual (deep Galerkin), or the energy (deep Ritz)."
    )

    @property
    def coordinates(self) -> int:
        """Number of coordinates: the dimensions of space."""
        return self.dim

    @model_validator(mode="after")
    def _series_is_a_line(self) -> Self:
        if self.dim > 1 and isinstance(self.ansatz, SinesAnsatz):
            raise ValueError(f"sines are for one dimension, and dim is {self.dim}; use the network")
        return self


class AdvectionPde(PdeSpec):
    """Advection on a circle, u_t + βu_x = 0, u(x, 0) = sin x; solution u = sin(x − βt), 0 ≤ t ≤ 1."""

    title = "Advection"
    summary = "A wave that moves without changing, in a fixed frame (Eulerian) or in one that moves along (Lagrangian)."
    equation = (
        "u_t + βu_x = 0, u(x, 0) = sin x; L = mean (u_t + βu_x)², or with x = ξ + βt: L = mean (∂u/∂t at fixed ξ)²"
    )
    reference = "Mojgani, Balajewicz & Hassanzadeh 2023, Lagrangian PINNs"
    kind: Literal["advection"] = kind_of("advection")
    speed: float = described(1.0, "Speed β of the wave.", ge=0.0, le=1000.0)
    frame: Literal["eulerian", "lagrangian"] = described(
        "eulerian", "The coordinates of the network: the place x, or the place ξ = x − βt where the wave started."
    )


class HeatPde(PdeSpec):
    """The heat equation, u_t = νu_xx on [0, 1], u = 0 at both ends, u(x, 0) = sin πx; solution u = e^(−νπ²t) sin πx."""

    title = "Heat"
    summary = "A sine wave of heat that decays, both ends kept cold."
    equation = "u_t = νu_xx, u(x, 0) = sin πx, 0 ≤ t ≤ 1; L = mean (u_t − νu_xx)²"
    reference = "Raissi, Perdikaris & Karniadakis 2019, Physics-informed neural networks"
    kind: Literal["heat"] = kind_of("heat")
    diffusivity: float = described(0.1, "Diffusivity ν.", scale="log", gt=0.0, le=100.0)


PDE_KINDS = (PoissonPde, AdvectionPde, HeatPde)
AnyPde = Annotated[PoissonPde | AdvectionPde | HeatPde, Field(discriminator="kind")]
