"""How the sizes of entries are laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.sizes.figure import GRAPH, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(panel(), [base.graph(GRAPH, "Share of a layer's entries by size, as colours")])
