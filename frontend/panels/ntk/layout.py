"""How the tangent kernel's pictures are laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.ntk.figure import ALIGNED, LAYERS, VALUES, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(
        panel(),
        [
            base.graph(VALUES, "The eigenvalues of the tangent kernel by step"),
            base.graph(ALIGNED, "Alignment of kernel and targets by step, one line for each lane"),
            base.graph(LAYERS, "Alignment of each layer's kernel by step, as colours"),
        ],
    )
