"""How the table of lanes is laid out."""

from dash import html

from frontend.components.node import Node, aria
from frontend.panels import base
from frontend.panels.lanes.figure import panel
from frontend.panels.tools import strip, tool


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(
        panel(),
        [html.Div(className="gs-table-wrap", tabIndex=0, role="group", **base.data(table=""), **aria(label="Lanes"))],
        [tool("fork", "Fork a lane", "Go on from a kept step with another rule")],
        [strip("fork", "Fork a lane")],
    )
