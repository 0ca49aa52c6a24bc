"""Buttons of a panel that open a row of controls; ``assets/strips.js`` connects the two by their name."""

from dash import html

from frontend.components.node import Node, aria
from frontend.panels.base import data


def tool(name: str, text: str, title: str) -> Node:
    """Make the button that opens a row of controls."""
    return html.Button(
        text, className="gs-tool", type="button", title=title, **data(tool=name), **aria(expanded="false")
    )


def strip(name: str, label: str, **more: str) -> Node:
    """Make a row of controls, empty and closed; ``more`` is what its script must know."""
    return html.Div(className="gs-strip", role="group", hidden=True, **data(strip=name, **more), **aria(label=label))
