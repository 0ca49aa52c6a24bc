"""How the training curves are laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.curves.figure import GRAPH, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(panel(), [base.graph(GRAPH, "Training curves, one line for each lane")])
