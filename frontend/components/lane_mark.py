"""A lane's mark: a short piece of its line, in its colour and style."""

from urllib.parse import quote

from dash import html

from frontend.components.node import Node, aria
from frontend.theme import LANE_DASHES

PATTERNS = {
    "solid": "none", "dash": "6 3", "dot": "2 2", "dashdot": "6 2 2 2", "longdash": "9 3", "longdashdot": "9 2 2 2",
}  # fmt: skip


def lane_mark(index: int) -> Node:
    """Make the mark of the view's lane of this index; the colours are the style sheet's, light and dark."""
    return html.Span(className=f"lane-mark lane-{index % len(LANE_DASHES)}", **aria(hidden="true"))


def lane_mask(index: int) -> str:
    """Return the style's mask that cuts a line of the lane's style out of a coloured box."""
    pattern = PATTERNS[LANE_DASHES[index]]
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="12">'
        f'<path d="M0 6H24" stroke="#000" stroke-width="3" stroke-dasharray="{pattern}"/></svg>'
    )
    return f'url("data:image/svg+xml,{quote(svg)}")'
