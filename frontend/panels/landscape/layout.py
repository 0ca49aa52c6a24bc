"""How the landscape is laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.landscape.figure import CONTOUR, RELIEF, panel
from frontend.panels.landscape.tools import strips, tools


def layout() -> Node:
    """Make the panel's components."""
    flat = base.graph(CONTOUR, "Contours of the loss on a plane, with the lanes' paths")
    relief = base.graph(RELIEF, "The loss on a plane in three dimensions, with the lanes' paths")
    return base.frame(panel(), [flat, relief], tools(), strips())
