"""What the teleportation draws: the way there left of 0, and right of it descent from the point and from there."""

from dataclasses import dataclass
from typing import Final

from backend.schemas.panels import Binding, Choice, Column, Graph, Option, Panel, Phrase, Pick, Source, Words
from frontend.panels import axes

GRAPH: Final = "teleport"
KEYS: Final = ("lane", "repeat", "point", "trace")
MEASURE: Final = Choice(
    name="measure",
    label="What is drawn",
    options=(Option(value="grad_norm", label="Gradient"), Option(value="loss", label="Loss")),
)
SCALE: Final = axes.scale("log")


@dataclass(frozen=True)
class Way:
    """One of the three curves, as it is drawn."""

    trace: str
    title: str
    dash: str
    dots: int = 0


WAYS: Final = (
    Way("climb", "the way there", "dot", dots=6),
    Way("here", "from the point", "dash"),
    Way("there", "from there", "solid"),
)


def _source(trace: str) -> Source:
    return Source(kind="teleport", how="replace", keys=KEYS, where={"trace": trace})


def _line(way: Way) -> Binding:
    return Binding(
        source=_source(way.trace),
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "lines+markers" if way.dots else "lines",
            "line": {"width": 2, "dash": way.dash},
            "marker": {"size": way.dots or 1},
            "hovertemplate": "%{fullData.name} · turn %{x}<br>%{y:.4~g}<extra></extra>",
        },
        x=Column(field="turn"),
        y=Pick(choice=MEASURE.name, columns={"grad_norm": Column(field="grad_norm"), "loss": Column(field="loss")}),
        name=f"{{lane.title}}, {way.title}",
        paint={"line.color": "color", "marker.color": "color"},
    )


def graph() -> Graph:
    """Return the one graph, with what its choices change."""
    return Graph(
        name=GRAPH,
        layout={
            "hovermode": "closest",
            "showlegend": False,
            "xaxis": {
                "title": {"text": "climb ← 0 → gradient descent"},
                "showgrid": False,
                "zeroline": True,
            },
            "yaxis": {"zeroline": False},
        },
        patches=(
            *axes.titled(MEASURE, {"grad_norm": "gradient norm", "loss": "loss"}),
            axes.scaled("linear"),
            axes.scaled("log"),
        ),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    climbed = _source("climb")
    return Panel(
        name="teleport",
        title="Teleportation",
        docs=("analyses/teleport",),
        words=Words(
            empty="Choose teleportation under “New picture” of the landscape: its way is drawn here.",
            loading="Working out the first gradient.",
            absent="This run went nowhere. Choose teleportation under “New picture”, of a ReLU network.",
        ),
        asked="teleport",
        choices=(MEASURE, SCALE),
        graphs=(graph(),),
        bindings=tuple(_line(way) for way in WAYS),
        phrases=(
            Phrase(source=climbed, text="gradient × {gain}"),
            Phrase(source=climbed, text="loss changed by {change}"),
            Phrase(source=climbed, text="no unit scaled by more than {factor}"),
            Phrase(source=_source("there"), text="descent dashed from the point, solid from there"),
        ),
    )
