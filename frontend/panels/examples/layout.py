"""How single examples are laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.examples.figure import GRAPH, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(panel(), [base.graph(GRAPH, "Every example by class, and by what its gradient is like")])
