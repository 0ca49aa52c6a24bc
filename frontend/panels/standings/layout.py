"""How the standings are laid out."""

from dash import html

from backend.schemas.panels import Panel
from frontend.components.node import Node, aria
from frontend.panels import base
from frontend.panels.standings.figure import final, panel


def layout() -> Node:
    """Make the panel's components."""
    return _table(panel())


def comparison() -> Node:
    """Make the panel of stored runs, which even one lane has."""
    return _table(final())


def _table(shown: Panel) -> Node:
    table = html.Div(className="gs-table-wrap", tabIndex=0, role="group", **base.data(table=""), **aria(label="Ranks"))
    return base.frame(shown, [table])
