"""Which analysis works by which spec: one line an analysis."""

from typing import Any

from backend.core.analyses.base import Analysis
from backend.core.analyses.basin import BASIN
from backend.core.analyses.connectivity import CONNECTIVITY
from backend.core.analyses.gradient_stats import GRADIENT_STATS
from backend.core.analyses.index import INDEX
from backend.core.analyses.intrinsic_dimension import INTRINSIC_DIMENSION
from backend.core.analyses.movement import MOVEMENT
from backend.core.analyses.ntk import NTK
from backend.core.analyses.overlap import OVERLAP
from backend.core.analyses.roughness import ROUGHNESS
from backend.core.analyses.saliency import SALIENCY
from backend.core.analyses.saliency_trust import SALIENCY_TRUST
from backend.core.analyses.sharpness import SHARPNESS
from backend.core.analyses.slice import SLICE
from backend.core.analyses.solution import SOLUTION
from backend.core.analyses.spectrum import SPECTRUM
from backend.core.analyses.surface import SURFACE
from backend.core.analyses.sweep import SWEEP
from backend.core.analyses.teleport import TELEPORT
from backend.core.analyses.top_eigenvalues import TOP_EIGENVALUES
from backend.core.analyses.trace import TRACE
from backend.core.analyses.train import TRAIN
from backend.core.analyses.trajectory import TRAJECTORY
from backend.schemas.analysis import (
    BasinAnalysis,
    ConnectivityAnalysis,
    GradientStatsAnalysis,
    IndexAnalysis,
    IntrinsicDimensionAnalysis,
    MovementAnalysis,
    NtkAnalysis,
    OverlapAnalysis,
    RoughnessAnalysis,
    SaliencyAnalysis,
    SaliencyTrustAnalysis,
    SharpnessAnalysis,
    SliceAnalysis,
    SolutionAnalysis,
    SpectrumAnalysis,
    SurfaceAnalysis,
    SweepAnalysis,
    TeleportAnalysis,
    TopEigenvaluesAnalysis,
    TraceAnalysis,
    TrajectoryAnalysis,
)
from backend.schemas.base import SpecModel
from backend.schemas.run import TrainRequest

ANALYSES: tuple[tuple[type[SpecModel], Analysis[Any]], ...] = (
    (TrainRequest, TRAIN),
    (SurfaceAnalysis, SURFACE),
    (SliceAnalysis, SLICE),
    (TrajectoryAnalysis, TRAJECTORY),
    (SharpnessAnalysis, SHARPNESS),
    (TopEigenvaluesAnalysis, TOP_EIGENVALUES),
    (SpectrumAnalysis, SPECTRUM),
    (TraceAnalysis, TRACE),
    (IndexAnalysis, INDEX),
    (OverlapAnalysis, OVERLAP),
    (ConnectivityAnalysis, CONNECTIVITY),
    (IntrinsicDimensionAnalysis, INTRINSIC_DIMENSION),
    (GradientStatsAnalysis, GRADIENT_STATS),
    (NtkAnalysis, NTK),
    (SaliencyAnalysis, SALIENCY),
    (RoughnessAnalysis, ROUGHNESS),
    (SolutionAnalysis, SOLUTION),
    (MovementAnalysis, MOVEMENT),
    (SaliencyTrustAnalysis, SALIENCY_TRUST),
    (BasinAnalysis, BASIN),
    (SweepAnalysis, SWEEP),
    (TeleportAnalysis, TELEPORT),
)


def analysis_for(spec: SpecModel) -> Analysis[Any]:
    """Return the analysis that a spec asks for; a train request is the spec of training.

    Args:
        spec: an analysis' spec, or a train request.

    Returns:
        The analysis.

    Raises:
        LookupError: where no analysis is listed for this spec.
    """
    for kind, analysis in ANALYSES:
        if type(spec) is kind:
            return analysis
    raise LookupError(f"no analysis works by a {type(spec).__name__}; add it to ANALYSES in {__name__}")
