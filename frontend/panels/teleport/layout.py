"""How the teleportation is laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.teleport.figure import GRAPH, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(panel(), [base.graph(GRAPH, "Gradient and loss on the way to other weights, and on descent")])
