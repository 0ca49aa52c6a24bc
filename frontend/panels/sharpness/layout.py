"""How the sharpness is laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.sharpness.figure import GRAPH, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(panel(), [base.graph(GRAPH, "Sharpness of each lane by step, with its threshold dashed")])
