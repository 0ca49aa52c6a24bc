"""How the movement is laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.movement.figure import LANES, LAYERS, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(
        panel(),
        [
            base.graph(LANES, "Steps and way of each lane by step"),
            base.graph(LAYERS, "Steps and way of each layer by step, as colours"),
        ],
    )
