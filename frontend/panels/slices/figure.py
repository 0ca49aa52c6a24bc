"""What a slice draws: the mean loss along a line in its lane's style, with one standard error of that mean."""

from typing import Final

from backend.schemas.panels import Binding, Column, Graph, Panel, Phrase, Words
from frontend.panels import axes, marks, sources

GRAPH: Final = "slice"
SCALE: Final = axes.scale("linear")


def binding() -> Binding:
    """Describe the one binding; a finer interval is a curve of its own, drawn over what is there."""
    return Binding(
        source=sources.PROFILE,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "lines+markers",
            "line": {"width": 2},
            "marker": {"size": 4},
            "error_y": {"thickness": 1, "width": 0},
            "connectgaps": False,
        },
        x=Column(field="t"),
        y=Column(field="loss"),
        error=Column(field="stderr"),
        name="{lane.title} · {label}",
        hover="{lane.title} · {label}<br>t = {t}<br>loss {loss}",
        paint={**marks.LINE, "marker.color": "color", "error_y.color": "color"},
    )


def graph() -> Graph:
    """Return the one graph, with what its choice changes."""
    return Graph(
        name=GRAPH,
        layout={
            "hovermode": "closest",
            "xaxis": {"title": {"text": "t, along the direction"}, "zeroline": True, "showgrid": False},
            "yaxis": {"title": {"text": "loss"}, "type": "linear", "zeroline": False},
        },
        patches=(axes.scaled("log"),),
    )


def phrases() -> tuple[Phrase, ...]:
    """List what the line under the title says: which line, how fine, on how much of the data."""
    profile = sources.PROFILE
    return (
        Phrase(source=profile, text="{label}"),
        Phrase(source=profile, text="{level} points"),
        Phrase(source=profile, text="{data_fraction:share} of the data"),
        Phrase(source=profile, text="one unit of t is {length} long"),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="slice",
        title="Slice",
        docs=("analyses/slice",),
        words=Words(
            empty="Choose a slice under “New picture” of the landscape: the loss along a line is drawn here.",
            loading="Working out the first points of the slice.",
            absent="This run drew no slice. Choose one under “New picture” of the landscape.",
        ),
        asked="slice",
        choices=(SCALE,),
        graphs=(graph(),),
        bindings=(binding(),),
        phrases=phrases(),
    )
