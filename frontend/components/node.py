"""Pieces of the page: their type, their attributes for assistive technology, and icons."""

from typing import Any

from dash import html

Node = Any  # a Dash component; the kit's classes are not typed


def aria(**attributes: str) -> dict[str, Any]:
    """Return attributes for assistive technology: ``aria(label="Start")`` is ``{"aria-label": "Start"}``."""
    return {f"aria-{name}": value for name, value in attributes.items()}


def icon(name: str) -> Node:
    """Make an icon of the style sheet; it says nothing itself, its button is labelled."""
    return html.Span(className=f"icon icon-{name}", **aria(hidden="true"))
