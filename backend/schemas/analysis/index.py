"""How many directions bend downwards."""

from typing import Literal

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.analysis.curvature import lanczos_steps, probes
from backend.schemas.analysis.fields import data_fraction
from backend.schemas.fields import described, kind_of


class IndexAnalysis(AnalysisSpec):
    """The fraction of negative eigenvalues: 0 at a minimum, 1 at a maximum, between them at a saddle."""

    title = "Index"
    summary = "The share of directions in which the loss bends downwards: what kind of saddle this is."
    equation = "α = #{i : λᵢ < −negligible · max |λ|} / P"
    reference = (
        "Dauphin et al. 2014, Identifying and attacking the saddle point problem in high-dimensional optimization"
    )
    kind: Literal["index"] = kind_of("index")
    negligible: float = described(
        1e-4, "Eigenvalues below this share of the largest magnitude count as zero.", scale="log", gt=0.0, lt=1.0
    )
    steps: int = lanczos_steps(50)
    probes: int = probes(10)
    data_fraction: float = data_fraction()
