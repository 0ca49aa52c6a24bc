"""How Trust is laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.trust.figure import CURVES, TABLE, panel


def layout() -> Node:
    """Make the panel's components."""
    table = base.graph(TABLE, "Questions to maps of saliency, answered for each method")
    curves = base.graph(CURVES, "Curves that the answers are made of, a line for each method")
    return base.frame(panel(), [table, curves])
