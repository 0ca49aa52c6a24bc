"""How the statistics of gradients are laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.gradients.figure import LANES, LAYERS, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(
        panel(),
        [
            base.graph(LAYERS, "A statistic by layer and step, as colours"),
            base.graph(LANES, "A statistic by step, one line for each lane"),
        ],
    )
