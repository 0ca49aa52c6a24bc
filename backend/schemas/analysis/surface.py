"""The loss on a plane."""

from typing import Literal

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.analysis.fields import BatchNormPolicy, Resolution, batchnorm, data_fraction
from backend.schemas.analysis.plane import AnyPlane, RandomPlane
from backend.schemas.fields import described, kind_of


class SurfaceAnalysis(AnalysisSpec):
    """L(origin + a·u + b·v) on nested grids: 5×5 on a part of the data, then finer and on more where it matters."""

    title = "Loss surface"
    summary = "The loss on a plane through parameter space, coarse first, then finer."
    equation = "f(a, b) = L(θ₀ + a·u + b·v)"
    reference = "Li et al. 2018, Visualizing the loss landscape of neural nets"
    kind: Literal["surface"] = kind_of("surface")
    plane: AnyPlane = described(None, "The plane.", factory=RandomPlane)
    extent: float = described(1.0, "The grid spans ±extent in both coordinates.", scale="log", gt=0.0, le=1000.0)
    resolution: Resolution = described(33, "Grid points a side, reached from 5 by halving the spacing.", unit="points")
    data_fraction: float = data_fraction()
    batchnorm: BatchNormPolicy = batchnorm()
    paths: bool = described(
        False, "Also draw the points' paths, all on one plane; in a race the trajectory probe does that."
    )
    arithmetic: Literal["own", "float64", "tf32", "bfloat16"] = described(
        "own", "What is computed in: the run's number format, float64, or on CUDA devices coarser, quicker products."
    )
