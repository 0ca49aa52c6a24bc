"""The solution of a differential equation, as a picture."""

from typing import Literal

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.fields import described, kind_of


class SolutionAnalysis(AnalysisSpec):
    """What is fitted to a differential equation beside the exact solution: a section, and in two coordinates a map."""

    title = "Solution"
    summary = "What is fitted to a differential equation, the exact solution, and the difference of the two."
    equation = "relative L² error = ‖u − u*‖/‖u*‖"
    reference = "Raissi, Perdikaris & Karniadakis 2019, Physics-informed neural networks"
    kind: Literal["solution"] = kind_of("solution")
    resolution: int = described(
        41, "Points a side of the map; an equation of one coordinate has none.", unit="points", ge=2, le=201
    )
