"""The lanes' paths on a plane."""

from typing import Literal

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.analysis.fields import BatchNormPolicy, batchnorm, data_fraction
from backend.schemas.analysis.plane import AnyPlane, PcaPlane
from backend.schemas.fields import described, kind_of


class TrajectoryAnalysis(AnalysisSpec):
    """Each lane's kept parameters projected onto a plane, with their distance off it and their true loss."""

    title = "Trajectory"
    summary = "The lanes' paths projected onto a plane, with the true loss and the distance off the plane."
    equation = "(a, b) = argmin ‖θ − θ₀ − a·u − b·v‖"
    reference = "Li et al. 2018, Visualizing the loss landscape of neural nets, section 7"
    kind: Literal["trajectory"] = kind_of("trajectory")
    plane: AnyPlane = described(None, "The plane.", factory=PcaPlane)
    data_fraction: float = data_fraction()
    batchnorm: BatchNormPolicy = batchnorm()
