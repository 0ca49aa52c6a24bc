"""How the sweep is laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.sweep.figure import GRAPH, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(panel(), [base.graph(GRAPH, "Each rule's loss after the budget against its learning rate")])
