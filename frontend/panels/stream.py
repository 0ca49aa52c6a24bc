"""What ``stream.js`` must know of the page: where the API is, the kinds of events, titles, and both themes."""

import json
from typing import Any, Final

from dash import html

from backend.schemas.events import EVENT_KINDS
from frontend import ids, theme
from frontend.components.node import Node
from frontend.panels.saliency.figure import MAPS

SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "pentagon", "triangle-down", "hexagon", "star")
STROKES: Final = {
    "solid": "",
    "dash": "8 4",
    "dot": "2 3",
    "dashdot": "8 3 2 3",
    "longdash": "12 4",
    "longdashdot": "12 3 2 3",
}


def lane_styles(scheme: theme.Scheme) -> list[dict[str, str]]:
    """List the lanes' styles by their place in the view: colour, tint, line style, symbol, and the swatch's dashes."""
    styles = []
    for index, symbol in enumerate(SYMBOLS):
        dash = theme.lane_dash(index)
        colour = theme.lane_colour(index, scheme)
        style = {"color": colour, "tint": theme.tint(colour), "dash": dash, "symbol": symbol}
        styles.append({**style, "hollow": f"{symbol}-open", "pattern": STROKES[dash]})
    return styles


def stream_settings() -> dict[str, Any]:
    """Collect the settings as plain values."""
    return {
        "api": "/api",
        "titles": {"method": MAPS},  # what the values of a template's ``{field:method}`` are called
        "kinds": [kind.model_fields["kind"].default for kind in EVENT_KINDS],
        "themes": {
            scheme: {
                "template": theme.plotly_template(scheme),
                "styles": lane_styles(scheme),
                "tokens": {
                    "ink": theme.PALETTE[scheme]["text"],
                    "muted": theme.PALETTE[scheme]["dim"],
                    "paper": theme.PALETTE[scheme]["ground"],
                },
            }
            for scheme in theme.SCHEMES
        },
    }


def stream_script() -> Node:
    """Make the element that carries the settings to the browser; a page with panels holds one."""
    return html.Script(json.dumps(stream_settings()), id=ids.STREAM, type="application/json")
