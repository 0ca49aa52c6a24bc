"""Colours, type and spacing: light and dark, for the kit and for figures.

Quiet around the data: one accent colour for actions, greys for the rest, lane colours on data alone.
"""

from typing import Any, Final, Literal

Scheme = Literal["light", "dark"]
SCHEMES: Final[tuple[Scheme, Scheme]] = ("light", "dark")

FONT: Final = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif'
MONO: Final = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace'
AXIS_TEXT: Final = 12

# Okabe & Ito 2008, Color universal design, told apart by the colour-blind; black turns to grey on a dark page.
_OKABE_ITO: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
LANE_COLOURS: Final[dict[Scheme, tuple[str, ...]]] = {
    "light": _OKABE_ITO,
    "dark": tuple("#BBBBBB" if colour == "#000000" else colour for colour in _OKABE_ITO),
}
LANE_DASHES: Final = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dash")
SEQUENTIAL: Final = "Viridis"

# Pairs of text and ground hold WCAG AA (4.5:1).
PALETTE: Final[dict[Scheme, dict[str, str]]] = {
    "light": {"ground": "#ffffff", "page": "#f6f7f8", "text": "#1b1f24", "dim": "#57606a", "line": "#d8dde3"},
    "dark": {"ground": "#1a1d21", "page": "#131518", "text": "#e6e8eb", "dim": "#9aa4b0", "line": "#33383f"},
}
# The accent and the greys of dark pages, light to dark, as the kit wants them.
ACCENT: Final = (
    "#eef2ff", "#dbe4ff", "#bac8ff", "#91a7ff", "#748ffc", "#5c7cfa", "#4263eb", "#3b5bdb", "#364fc7", "#2b3f9e",
)  # fmt: skip

DARK: Final = (
    "#e6e8eb", "#c9ced6", "#9aa4b0", "#727c88", "#454c55", "#33383f", "#24282e", "#1a1d21", "#16191c", "#131518",
)  # fmt: skip


def lane_colour(index: int, scheme: Scheme = "light") -> str:
    """Return the colour of the view's lane of this index, counted over all its runs."""
    colours = LANE_COLOURS[scheme]
    return colours[index % len(colours)]


def lane_dash(index: int) -> str:
    """Return the line style of the view's lane of this index, so that colour is never alone."""
    return LANE_DASHES[index % len(LANE_DASHES)]


def tint(colour: str) -> str:
    """Return a colour as the ground of an area: the page, and what lies behind, shines through."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},0.16)"


def mantine_theme() -> dict[str, Any]:
    """Make the kit's theme: system fonts, 14 px body, an 8 px grid, borders rather than shadows."""
    return {
        "primaryColor": "accent",
        "primaryShade": 6,
        "colors": {"accent": list(ACCENT), "dark": list(DARK)},
        "fontFamily": FONT,
        "fontFamilyMonospace": MONO,
        "headings": {"fontFamily": FONT, "fontWeight": "600"},
        "fontSizes": {"xs": "12px", "sm": "14px", "md": "14px", "lg": "16px", "xl": "20px"},
        "spacing": {"xs": "4px", "sm": "8px", "md": "16px", "lg": "24px", "xl": "32px"},
        "radius": {"xs": "2px", "sm": "4px", "md": "6px", "lg": "8px", "xl": "16px"},
        "defaultRadius": "sm",
        "focusRing": "auto",
        "cursorType": "pointer",
        "respectReducedMotion": True,
        "components": {
            "TextInput": {"defaultProps": {"size": "xs"}},
            "NumberInput": {"defaultProps": {"size": "xs"}},
            "Select": {"defaultProps": {"size": "xs", "allowDeselect": False}},
            "SegmentedControl": {"defaultProps": {"size": "xs"}},
            "Switch": {"defaultProps": {"size": "xs"}},
            "Button": {"defaultProps": {"size": "xs"}},
            "Tooltip": {"defaultProps": {"openDelay": 300, "multiline": True, "withArrow": True}},
        },
    }


def plotly_template(scheme: Scheme) -> dict[str, Any]:
    """Make the template of every figure, as plain values."""
    colour = PALETTE[scheme]
    axis = {
        "gridcolor": colour["line"],
        "linecolor": colour["line"],
        "zerolinecolor": colour["line"],
        "tickcolor": colour["line"],
        "ticks": "outside",
        "ticklen": 4,
        "title": {"font": {"size": AXIS_TEXT, "color": colour["dim"]}, "standoff": 8},
        "tickfont": {"size": AXIS_TEXT, "color": colour["dim"]},
        "automargin": True,
    }
    return {
        "layout": {
            "font": {"family": FONT, "size": AXIS_TEXT, "color": colour["text"]},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "colorway": list(LANE_COLOURS[scheme]),
            "colorscale": {"sequential": SEQUENTIAL, "diverging": "RdBu"},
            "hoverlabel": {
                "bgcolor": colour["ground"],
                "bordercolor": colour["line"],
                "font": {"family": FONT, "size": AXIS_TEXT, "color": colour["text"]},
            },
            "margin": {"l": 56, "r": 16, "t": 8, "b": 40},
            "showlegend": False,
            "xaxis": axis,
            "yaxis": axis,
            "scene": {
                name: {
                    "gridcolor": colour["line"],
                    "zerolinecolor": colour["line"],
                    "showbackground": False,
                    "tickfont": {"size": 11, "color": colour["dim"]},
                    "title": {"font": {"size": AXIS_TEXT, "color": colour["dim"]}},
                }
                for name in ("xaxis", "yaxis", "zaxis")
            },
        }
    }
