"""How the map of basins is laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.basin.figure import GRAPH, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(panel(), [base.graph(GRAPH, "Which stationary point a rule reaches from each start")])
