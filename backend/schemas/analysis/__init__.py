"""Analyses (one a file) and the planes they work on."""

from typing import Annotated

from pydantic import Field

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.analysis.plane import AnyPlane, CoordinatePlane, PcaPlane, RandomPlane
from backend.schemas.analysis.surface import SurfaceAnalysis
from backend.schemas.analysis.trajectory import TrajectoryAnalysis

__all__ = [
    "ANALYSIS_KINDS", "AnalysisSpec", "AnyAnalysis", "AnyPlane", "CoordinatePlane", "PcaPlane", "RandomPlane",
    "SurfaceAnalysis", "TrajectoryAnalysis",
]  # fmt: skip

ANALYSIS_KINDS = (SurfaceAnalysis, TrajectoryAnalysis)
AnyAnalysis = Annotated[SurfaceAnalysis | TrajectoryAnalysis, Field(discriminator="kind")]
