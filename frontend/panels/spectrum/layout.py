"""How the spectrum is laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.spectrum.figure import GRAPH, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(panel(), [base.graph(GRAPH, "Density of the eigenvalues, the largest ones as stems")])
