"""Sections of the set-up: a heading with what belongs to it, and details that open on demand."""

from typing import Any

from dash import html

from frontend.components.node import Node


def section(title: str, *children: Node, aside: Node = None) -> Node:
    """Make a titled section; ``aside`` stands at the right of the title."""
    return html.Section([html.Div([html.H2(title), aside], className="section-head"), *children], className="section")


def details(summary: Any, *children: Node, open_: bool = False) -> Node:
    """Make a part that opens on demand, with the browser's own element (it works with the keyboard)."""
    return html.Details([html.Summary(summary), *children], className="details", open=open_)
