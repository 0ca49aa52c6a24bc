"""How the intrinsic dimension is laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.dimension.figure import GRAPH, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(panel(), [base.graph(GRAPH, "Score of training in random subspaces by their dimension")])
