"""How the classes' conflicts are laid out."""

from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.conflict.figure import MATRIX, STEPS, panel


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(
        panel(),
        [
            base.graph(MATRIX, "Classes by classes, as colours"),
            base.graph(STEPS, "How steps for all classes serve each one"),
        ],
    )
