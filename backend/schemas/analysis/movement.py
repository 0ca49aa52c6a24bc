"""Movement: how long a lane's steps are, and how far they have led."""

from typing import Literal

from backend.schemas.analysis.base import AnalysisSpec
from backend.schemas.fields import described, kind_of


class MovementAnalysis(AnalysisSpec):
    """Effective step, step by weight, distance from the start and rotation; it costs no gradient."""

    title = "Movement"
    summary = "How long the steps are for the gradient they answer and the weights they change, and how far they led."
    equation = "‖Δθ‖/‖g‖, ‖Δθ‖/‖θ‖, d = ‖θ_t − θ₀‖ and r = 1 − cos(w_t, w₀), whole and for each layer"
    reference = "Carbonnelle & De Vleeschouwer 2018, Layer rotation; You, Gitman & Ginsburg 2017, Large batch training"
    kind: Literal["movement"] = kind_of("movement")
    layers: bool = described(True, "Also of each layer by itself; otherwise of all parameters together alone.")
