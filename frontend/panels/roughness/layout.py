"""How the roughness is laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.roughness.figure import INDEX, PROFILES, panel


def layout() -> Node:
    """Make the panel's components."""
    index = base.graph(INDEX, "Roughness index of each lane with its interval")
    profiles = base.graph(PROFILES, "The loss along some of the random directions, one thin line for each")
    return base.frame(panel(), [index, profiles])
