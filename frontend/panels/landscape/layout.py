"""How the landscape is laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.landscape.figure import CONTOUR, RELIEF, panel, shared
from frontend.panels.landscape.tools import drop, pictures, strips


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(panel(), _graphs(), [drop(), *pictures()], strips())


def comparison() -> Node:
    """Make the panel that draws the planes of several runs; there is no set-up beside it, so no ball is dropped."""
    return base.frame(shared(), _graphs(), pictures(), strips())


def _graphs() -> list[Node]:
    flat = base.graph(CONTOUR, "Contours of the loss on a plane, with the lanes' paths")
    relief = base.graph(RELIEF, "The loss on a plane in three dimensions, with the lanes' paths")
    return [flat, relief]
