"""How the connectivity is laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.connectivity.figure import GRAPH, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(panel(), [base.graph(GRAPH, "Loss or accuracy along paths between two ends")])
