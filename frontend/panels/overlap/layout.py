"""How the overlap is laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.overlap.figure import GRAPH, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(panel(), [base.graph(GRAPH, "Share in the top eigenspace by step, one line for each lane")])
