"""How the solution is laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.solution.figure import MAP, SECTION, panel


def layout() -> Node:
    """Make the panel's components."""
    section = base.graph(SECTION, "What is fitted to the equation, and the exact solution, along a section")
    chart = base.graph(MAP, "What is fitted to the equation, over two coordinates")
    return base.frame(panel(), [section, chart])
