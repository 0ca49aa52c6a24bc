"""L-BFGS."""

from typing import Literal

from backend.schemas.fields import described, kind_of
from backend.schemas.optimizer.base import OptimizerSpec
from backend.schemas.optimizer.fields import learning_rate


class LbfgsOptimizer(OptimizerSpec):
    """d = −H·g from the last m moves and gradient differences; θ ← θ + t·d, t by a strong Wolfe search from η."""

    title = "L-BFGS"
    summary = (
        "Learns the curvature from its last moves and searches along the direction that follows; for full batches."
    )
    equation = (
        "d = −H·g, H from the last m pairs (s = Δθ, y = Δg); θ ← θ + t·d, t by a strong Wolfe search that begins at η"
    )
    reference = "Liu & Nocedal 1989, On the limited memory BFGS method for large scale optimization"
    family = "Curvature"
    defaults_from = "PyTorch's; history and search are ours"
    live = ("lr",)
    gradients = 2.0
    cost = "as many as the search takes, up to max_evaluations"
    kind: Literal["lbfgs"] = kind_of("lbfgs")
    lr: float = learning_rate(1.0)
    history: int = described(10, "How many past moves are kept.", title="History", ge=1, le=1000)
    line_search: bool = described(
        True, "Search along the direction (strong Wolfe); without it the step is η.", title="Line search"
    )
    max_evaluations: int = described(
        25, "Most gradient evaluations of one step.", title="Most evaluations", ge=2, le=1000
    )
