"""How the slices are laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.slices.figure import GRAPH, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(panel(), [base.graph(GRAPH, "The loss along a line, with its standard error over directions")])
