"""How the table of lanes is laid out."""

import json
from typing import Final

from dash import html

from frontend.components.node import Node, aria
from frontend.components.spec_fields import UNIONS, fields_of, kind_of
from frontend.panels import base
from frontend.panels.lanes.figure import panel
from frontend.panels.tools import strip, tool

# The hyper-parameters that may change while a lane runs: kind of rule → their names and titles.
LIVE: Final = {
    kind_of(rule): [(field.name, field.label) for field in fields_of(rule) if field.name in rule.live]
    for rule in UNIONS["optimizer"]
}


def layout() -> Node:
    """Make the panel's components."""
    return base.frame(
        panel(),
        [html.Div(className="gs-table-wrap", tabIndex=0, role="group", **base.data(table=""), **aria(label="Lanes"))],
        [
            tool("wheel", "Steer", "Change a lane while it runs, rewind it to a checkpoint, replay the race"),
            tool("fork", "Fork a lane", "Go on from a kept step with another rule"),
        ],
        [strip("wheel", "Steer", live=json.dumps(LIVE)), strip("fork", "Fork a lane")],
    )
