"""Analyses (one a file) and the planes they work on."""

from typing import Annotated

from pydantic import Field

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.analysis.basin import BasinAnalysis
from backend.schemas.analysis.connectivity import ConnectivityAnalysis
from backend.schemas.analysis.gradient_stats import GradientStatsAnalysis
from backend.schemas.analysis.index import IndexAnalysis
from backend.schemas.analysis.intrinsic_dimension import IntrinsicDimensionAnalysis
from backend.schemas.analysis.line import LINE_KINDS, AnyLine, BetweenLine, EigenLine, RandomLine
from backend.schemas.analysis.movement import MovementAnalysis
from backend.schemas.analysis.ntk import NtkAnalysis
from backend.schemas.analysis.overlap import OverlapAnalysis
from backend.schemas.analysis.plane import (
    RACE_PLANES,
    AnyPlane,
    CoordinatePlane,
    EigenPlane,
    GradientEigenPlane,
    KeptPlane,
    PcaPlane,
    RandomPlane,
    ThreePointsPlane,
)
from backend.schemas.analysis.roughness import RoughnessAnalysis
from backend.schemas.analysis.saliency import SaliencyAnalysis
from backend.schemas.analysis.saliency_trust import SaliencyTrustAnalysis
from backend.schemas.analysis.sharpness import SharpnessAnalysis
from backend.schemas.analysis.slice import SliceAnalysis
from backend.schemas.analysis.solution import SolutionAnalysis
from backend.schemas.analysis.spectrum import SpectrumAnalysis
from backend.schemas.analysis.surface import SurfaceAnalysis
from backend.schemas.analysis.sweep import SweepAnalysis
from backend.schemas.analysis.teleport import TeleportAnalysis
from backend.schemas.analysis.top_eigenvalues import TopEigenvaluesAnalysis
from backend.schemas.analysis.trace import TraceAnalysis
from backend.schemas.analysis.trajectory import TrajectoryAnalysis

__all__ = [
    "ANALYSIS_KINDS", "LINE_KINDS", "PROBE_KINDS", "RACE_PLANES", "AnalysisSpec", "AnyAnalysis", "AnyLine",
    "AnyPlane", "AnyProbe", "BasinAnalysis", "BetweenLine", "ConnectivityAnalysis", "CoordinatePlane", "EigenLine",
    "EigenPlane", "GradientEigenPlane", "GradientStatsAnalysis", "IndexAnalysis", "IntrinsicDimensionAnalysis",
    "KeptPlane", "MovementAnalysis", "NtkAnalysis", "OverlapAnalysis", "PcaPlane", "RandomLine", "RandomPlane",
    "RoughnessAnalysis", "SaliencyAnalysis", "SaliencyTrustAnalysis", "SharpnessAnalysis", "SliceAnalysis",
    "SolutionAnalysis", "SpectrumAnalysis", "SurfaceAnalysis", "SweepAnalysis", "TeleportAnalysis",
    "ThreePointsPlane",
    "TopEigenvaluesAnalysis", "TraceAnalysis", "TrajectoryAnalysis",
]  # fmt: skip

PROBE_KINDS = (  # those that also run inside training
    SurfaceAnalysis, TrajectoryAnalysis, SharpnessAnalysis, SpectrumAnalysis, OverlapAnalysis,
    GradientStatsAnalysis, NtkAnalysis, SaliencyAnalysis, SaliencyTrustAnalysis, RoughnessAnalysis,
    SolutionAnalysis, MovementAnalysis,
)  # fmt: skip
ANALYSIS_KINDS = (
    SurfaceAnalysis, SliceAnalysis, TrajectoryAnalysis, SharpnessAnalysis,
    TopEigenvaluesAnalysis, SpectrumAnalysis, TraceAnalysis, IndexAnalysis, OverlapAnalysis,
    ConnectivityAnalysis, IntrinsicDimensionAnalysis, GradientStatsAnalysis, NtkAnalysis, SaliencyAnalysis,
    RoughnessAnalysis, SolutionAnalysis, MovementAnalysis, SaliencyTrustAnalysis,
    BasinAnalysis, SweepAnalysis, TeleportAnalysis,
)  # fmt: skip
AnyProbe = Annotated[
    SurfaceAnalysis
    | TrajectoryAnalysis
    | SharpnessAnalysis
    | SpectrumAnalysis
    | OverlapAnalysis
    | GradientStatsAnalysis
    | NtkAnalysis
    | SaliencyAnalysis
    | SaliencyTrustAnalysis
    | RoughnessAnalysis
    | SolutionAnalysis
    | MovementAnalysis,
    Field(discriminator="kind"),
]
AnyAnalysis = Annotated[
    SurfaceAnalysis
    | SliceAnalysis
    | TrajectoryAnalysis
    | SharpnessAnalysis
    | TopEigenvaluesAnalysis
    | SpectrumAnalysis
    | TraceAnalysis
    | IndexAnalysis
    | OverlapAnalysis
    | ConnectivityAnalysis
    | IntrinsicDimensionAnalysis
    | GradientStatsAnalysis
    | NtkAnalysis
    | SaliencyAnalysis
    | RoughnessAnalysis
    | SolutionAnalysis
    | MovementAnalysis
    | SaliencyTrustAnalysis
    | BasinAnalysis
    | SweepAnalysis
    | TeleportAnalysis,
    Field(discriminator="kind"),
]
