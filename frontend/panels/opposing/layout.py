"""How opposed examples are laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.opposing.figure import GRAPH, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(
        panel(), [base.graph(GRAPH, "The examples that the last step helped most, and below each its opponent")]
    )
