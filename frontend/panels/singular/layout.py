"""How the singular values are laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.singular.figure import GRAPH, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(
        panel(), [base.graph(GRAPH, "The singular values of a kernel by step, over the band of a random one")]
    )
