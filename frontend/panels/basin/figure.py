"""What the map of basins draws: the start's colour says where it ends, or how low; the function's contours lie over it.

The eight colours are the lanes' set with the black changed for wine red, as dark grey stands for divergence.
"""

from typing import Final

from pydantic import JsonValue

from backend.schemas.panels import Binding, Choice, Column, Graph, Option, Page, Panel, Phrase, Scale, Words
from frontend import theme
from frontend.panels import sources

GRAPH: Final = "basin"
COLOUR: Final = Choice(
    name="colour",
    label="What colours say",
    options=(Option(value="place", label="Place"), Option(value="loss", label="Loss")),
)
DIVERGED: Final = "#3d4249"
NOWHERE: Final = "#c9ced4"
PLACES: Final = tuple(
    "#882255" if colour == "#000000" else colour for colour in theme.LANE_COLOURS["light"]
)  # one for each of eight places
X: Final = Column(field="x")
Y: Final = Column(field="y")


def steps(colours: tuple[str, ...]) -> list[JsonValue]:
    """Make a colour scale of as many equal steps as there are colours.

    Returns:
        Both edges of each step.

    Example:
        >>> steps(("red", "blue"))
        [[0.0, 'red'], [0.5, 'red'], [0.5, 'blue'], [1.0, 'blue']]
    """
    count = len(colours)
    return [[edge / count, colour] for index, colour in enumerate(colours) for edge in (index, index + 1)]


def bindings() -> tuple[Binding, ...]:
    """List the picture's bindings, from the back to the front."""
    places = Binding(
        source=sources.BASIN,
        graph=GRAPH,
        when={COLOUR.name: ("place",)},
        trace={
            "type": "heatmap",
            "zmin": -2.5,
            "zmax": len(PLACES) - 0.5,
            "colorscale": steps((DIVERGED, NOWHERE, *PLACES)),
            "showscale": False,
            "hovertemplate": "start (%{x}, %{y})<extra></extra>",
        },
        x=X,
        y=Y,
        z=Column(field="shade", transpose=True),
        name="places",
    )
    losses = Binding(
        source=sources.BASIN,
        graph=GRAPH,
        when={COLOUR.name: ("loss",)},
        trace={"type": "heatmap", "coloraxis": "coloraxis", "hoverongaps": False},
        x=X,
        y=Y,
        z=Column(field="loss", scaled=True, transpose=True),
        name="losses",
        hover="start ({x}, {y})<br>loss at the end {z}",
    )
    contours = Binding(
        source=sources.BASIN,
        graph=GRAPH,
        trace={
            "type": "contour",
            "contours": {"coloring": "none"},
            "ncontours": 18,
            "line": {"width": 0.8, "color": "rgba(255,255,255,0.6)"},
            "showscale": False,
            "hoverinfo": "skip",
        },
        x=X,
        y=Y,
        z=Column(field="height", scaled=True, transpose=True),
        name="contours",
    )
    points = Binding(
        source=sources.BASIN,
        graph=GRAPH,
        trace={"type": "scatter", "mode": "markers", "marker": {"symbol": "x", "size": 8, "line": {"width": 1.5}}},
        x=Column(field="place_x"),
        y=Column(field="place_y"),
        name="stationary points",
        hover="stationary point<br>({x}, {y})",
        paint={"marker.color": "ink", "marker.line.color": "paper"},
    )
    return places, losses, contours, points


def graph() -> Graph:
    """Return the one graph: one page for each rule."""
    return Graph(
        name=GRAPH,
        layout={
            "hovermode": "closest",
            "coloraxis": {
                "colorscale": theme.SEQUENTIAL,
                "colorbar": {"title": {"text": "loss"}, "thickness": 10, "outlinewidth": 0, "len": 0.96},
            },
            "xaxis": {"title": {"text": "start x"}, "zeroline": False, "showgrid": False},
            "yaxis": {"title": {"text": "start y"}, "zeroline": False, "showgrid": False},
        },
        page=Page(source=sources.BASIN, field="lane", series=("lane",), label="{lane} · {run.name}", needs=("basin",)),
        fit={"xaxis": "basin.x", "yaxis": "basin.y"},
        scale=Scale(columns=("basin.loss", "basin.height"), ticks=("coloraxis.colorbar",)),
    )


def phrases() -> tuple[Phrase, ...]:
    """List what the line under the title says: the rule, how fine, and what the greys mean."""
    basin = sources.BASIN
    return (
        Phrase(source=basin, text="{lane:text}"),
        Phrase(source=basin, text="{level}×{level} starts of {steps} steps"),
        Phrase(source=basin, text="a colour for each end (✕)"),
        Phrase(source=basin, text="light grey near none {unarrived:share}"),
        Phrase(source=basin, text="dark grey diverged {diverged:share}"),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="basin",
        title="Basins of attraction",
        docs=("analyses/basin",),
        words=Words(
            empty="Choose basins under “New picture” of the landscape: where each start ends is drawn here.",
            loading="Walking from the first starts.",
            absent="This run drew no map of basins. Choose one under “New picture” of the landscape.",
        ),
        asked="basin",
        choices=(COLOUR,),
        graphs=(graph(),),
        bindings=bindings(),
        phrases=phrases(),
    )
