"""Buttons of a panel that open a row of controls; ``assets/strips.js`` connects the two by their name."""

from typing import Any

from dash import html

from frontend.components.node import Node, aria


def tool(name: str, text: str, title: str) -> Node:
    """Make the button that opens a row of controls."""
    known: dict[str, Any] = {"data-tool": name}
    return html.Button(text, className="gs-tool", type="button", title=title, **known, **aria(expanded="false"))


def saving(panel: str) -> Node:
    """Make the button that opens the row of what can be kept of a panel."""
    known: dict[str, Any] = {"data-tool": "save"}
    return html.Button(
        html.Span(className="gs-arrow", **aria(hidden="true")),
        className="gs-icon gs-save",
        type="button",
        title="Keep the picture, its numbers, or the whole page",
        **known,
        **aria(expanded="false", label=f"Save {panel}"),
    )


def strip(name: str, label: str, **more: str) -> Node:
    """Make a row of controls, empty and closed; ``more`` is what its script must know."""
    known: dict[str, Any] = {f"data-{key}": value for key, value in {"strip": name, **more}.items()}
    return html.Div(className="gs-strip", role="group", hidden=True, **known, **aria(label=label))
