"""Which analysis works by which spec: one line an analysis."""

from typing import Any

from backend.core.analyses.base import Analysis
from backend.core.analyses.surface import SURFACE
from backend.core.analyses.train import TRAIN
from backend.core.analyses.trajectory import TRAJECTORY
from backend.schemas.analysis import SurfaceAnalysis, TrajectoryAnalysis
from backend.schemas.base import SpecModel
from backend.schemas.run import TrainRequest

ANALYSES: tuple[tuple[type[SpecModel], Analysis[Any]], ...] = (
    (TrainRequest, TRAIN),
    (SurfaceAnalysis, SURFACE),
    (TrajectoryAnalysis, TRAJECTORY),
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
