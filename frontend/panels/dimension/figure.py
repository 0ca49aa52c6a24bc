"""What the intrinsic dimension draws: every random subspace as a point, and the score that counts as solved."""

from typing import Final

from backend.schemas.panels import Binding, Column, Graph, Panel, Phrase, Source, Words
from frontend.panels import marks

GRAPH: Final = "dimension"
TRIALS: Final = Source(kind="dimension", how="append", keys=("lane", "repeat", "point"))


def bindings() -> tuple[Binding, ...]:
    """List the bindings, from the back to the front; the first trial, the rightmost point, is training in all."""
    solved = Binding(
        source=TRIALS,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "markers",
            "marker": {"symbol": "line-ew-open", "size": 14},
            "hovertemplate": "solved from %{y:.4~g} on<extra></extra>",
        },
        x=Column(field="d"),
        y=Column(field="threshold"),
        paint={"marker.color": "muted"},
    )
    points = Binding(
        source=TRIALS,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "markers",
            "marker": {"size": 8, "line": {"width": 1}},
            "cliponaxis": False,
        },
        x=Column(field="d"),
        y=Column(field="score"),
        hover="{lane.title} · {d} dimensions<br>score {score}<br>loss {loss}",
        paint={**marks.MARK, "marker.line.color": "paper"},
    )
    return solved, points


def graph() -> Graph:
    """Return the one graph."""
    return Graph(
        name=GRAPH,
        layout={
            "hovermode": "closest",
            "xaxis": {"type": "log", "dtick": 1, "title": {"text": "dimensions of the subspace"}, "showgrid": False},
            "yaxis": {"title": {"text": "score"}, "rangemode": "tozero", "zeroline": False},
        },
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="dimension",
        title="Intrinsic dimension",
        docs=("analyses/intrinsic_dimension",),
        words=Words(
            empty="Choose the intrinsic dimension under “New picture” of the landscape: its points are drawn here.",
            loading="Training in all parameters first: what the subspaces are compared with.",
            absent="This run looked for no intrinsic dimension. Choose it under “New picture” of the landscape.",
        ),
        asked="intrinsic_dimension",
        graphs=(graph(),),
        bindings=bindings(),
        phrases=(
            Phrase(source=TRIALS, text="dashes: counts as solved from there on"),
            Phrase(source=TRIALS, text="rightmost: all parameters"),
            Phrase(source=TRIALS, text="d₉₀\u00a0=\u00a0{reached}"),
            Phrase(source=TRIALS, text="{split} split"),
        ),
    )
