"""Consensus-based optimization."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec


class CboOptimizer(OptimizerSpec):
    """xᵢ ← xᵢ − λη(xᵢ − c) + σ√η(xᵢ − c)⊙ζ, c = Σ xᵢ·e^(−αfᵢ)/Σ e^(−αfⱼ); the parameters are c."""

    title = "Consensus (CBO)"
    summary = "A cloud of particles drawn to the best of them, with noise that fades as they agree; needs losses only."
    equation = "c = Σᵢ xᵢ·e^(−αfᵢ)/Σⱼ e^(−αfⱼ); xᵢ ← xᵢ − λη(xᵢ − c) + σ√η(xᵢ − c)⊙ζ; θ = c"
    reference = (
        "Pinnau, Totzeck, Tse & Martin 2017, A consensus-based model for global optimization; Carrillo, Jin, Li & "
        "Zhu 2021, A consensus-based global optimization method for high dimensional machine learning problems"
    )
    defaults_from = "ours"
    family = "Without gradients"
    live = ("lr", "drift", "sigma", "alpha")
    gradients = 34.0
    cost = "a third of one for each particle"
    filtered = False
    kind: Literal["cbo"] = kind_of("cbo")
    lr: float = described(
        0.01, "Learning rate η: the time step of the particles' equation.", title="Time step η", scale="log",
        gt=0.0, le=1e4,
    )  # fmt: skip
    particles: int = described(100, "Particles in the cloud.", unit="particles", ge=2, le=10_000)
    spread: float = described(
        1.0, "The cloud starts evenly in the box of this half-width around the initial point.", scale="log",
        gt=0.0, le=1e6,
    )  # fmt: skip
    drift: float = described(1.0, "Pull λ towards the consensus.", title="Pull λ", scale="log", ge=0.0, le=1e4)
    sigma: float = described(
        0.7, "Noise σ, in shares of the distance to the consensus.", title="Noise σ", ge=0.0, le=1e3
    )
    alpha: float = described(
        1e5,
        "Weight α of a low loss: the consensus tends to the best particle.",
        title="α",
        scale="log",
        gt=0.0,
        le=1e15,
    )
    noise: Literal["anisotropic", "isotropic"] = described(
        "anisotropic", "Noise by each coordinate's own distance to the consensus, or by the whole distance.",
        title="Kind of noise",
    )  # fmt: skip
