"""All eigenvalues, as a density."""

from typing import Literal

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.analysis.curvature import Matrix, lanczos_steps, matrix, probes
from backend.schemas.analysis.fields import data_fraction
from backend.schemas.fields import described, kind_of


class SpectrumAnalysis(AnalysisSpec):
    """The spectral density by stochastic Lanczos quadrature, whole and layer by layer, with the largest eigenvalues."""

    title = "Spectrum"
    summary = "How the curvatures of the loss are spread: a bulk near zero, and outliers."
    equation = "f(t) = (1/S) Σₛ Σₘ τ²ₛₘ · N(t; θₛₘ, σ²)"
    reference = "Ghorbani, Krishnan & Xiao 2019, An investigation into neural net optimization via Hessian eigenvalues"
    kind: Literal["spectrum"] = kind_of("spectrum")
    matrix: Matrix = matrix()
    steps: int = lanczos_steps(50)
    probes: int = probes(4)
    outliers: int = described(
        10, "Largest eigenvalues that are found one by one, with their residuals; 0 for none.", ge=0, le=100
    )
    beside: bool = described(False, "Also the other two of H, G and H − G, which a function does not have.")
    layers: bool = described(
        False, "Also the spectrum of each layer's own block of the matrix, with its largest eigenvalues."
    )
    data_fraction: float = data_fraction()
