"""What the connectivity draws: loss or accuracy along every path, training solid and test dotted, with its barrier.

A path has its own colour, and not a lane's: it belongs to two of them.
"""

from dataclasses import dataclass
from typing import Final

from backend.schemas.panels import Binding, Choice, Column, Graph, Option, Panel, Phrase, Pick, Source, Words
from frontend import theme
from frontend.panels import axes

GRAPH: Final = "connectivity"
KEYS: Final = ("path", "split", "point")

MEASURE: Final = Choice(
    name="measure",
    label="What is drawn along the path",
    options=(Option(value="loss", label="Loss"), Option(value="accuracy", label="Accuracy")),
)
SCALE: Final = axes.scale("linear")


@dataclass(frozen=True)
class Way:
    """A kind of path as it is drawn."""

    path: str
    title: str
    colour: str
    point: int | None = None  # of a path from one end by itself: which end


_COLOURS: Final = theme.LANE_COLOURS["light"]
WAYS: Final = (
    Way("linear", "straight", _COLOURS[1]),
    Way("matched", "matched", _COLOURS[5]),
    Way("bezier", "curve", _COLOURS[2]),
    Way("chain", "chain", _COLOURS[3]),
    Way("dropout", "half of the first", _COLOURS[4], 0),
    Way("dropout", "half of the second", _COLOURS[0], 1),
)


def _where(way: Way, split: str) -> dict[str, bool | int | str]:
    return {"path": way.path, "split": split} | ({} if way.point is None else {"point": way.point})


def _line(way: Way, split: str) -> Binding:
    """Describe one path on one split; a later look at a curve in training replaces the one before."""
    train = split == "train"
    return Binding(
        source=Source(kind="barrier", how="replace", keys=KEYS, where=_where(way, split)),
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "lines",
            "line": {"width": 2 if train else 1.5, "dash": "solid" if train else "dot", "color": way.colour},
            "showlegend": train,
            "legendgroup": way.title,
            "hovertemplate": f"{way.title}, {split} · t = %{{x:.3~g}}<br>%{{y:.4~g}}<extra></extra>",
        },
        x=Column(field="t"),
        y=Pick(choice=MEASURE.name, columns={"loss": Column(field="loss"), "accuracy": Column(field="accuracy")}),
        name=f"{way.title} {{barrier}}",
    )


def _peak(way: Way) -> Binding:
    """Mark where a path rises highest above the line between its ends."""
    return Binding(
        source=Source(kind="barrier", how="append", keys=KEYS, where={**_where(way, "train"), "final": True}),
        graph=GRAPH,
        rows="last",
        trace={
            "type": "scatter",
            "mode": "markers",
            "marker": {"size": 8, "color": way.colour, "line": {"width": 1.5}},
            "showlegend": False,
            "cliponaxis": False,
            "hovertemplate": f"{way.title}: highest at t = %{{x:.3~g}}<br>loss %{{y:.4~g}}<extra></extra>",
        },
        x=Column(field="peak"),
        y=Pick(choice=MEASURE.name, columns={"loss": Column(field="height")}),
        paint={"marker.line.color": "paper"},
    )


def graph() -> Graph:
    """Return the one graph, with what its choices change."""
    return Graph(
        name=GRAPH,
        layout={
            "hovermode": "closest",
            "showlegend": True,
            "legend": {
                "title": {"text": "barrier", "font": {"size": 12}},
                "tracegroupgap": 0,
                "x": 1.02,
                "y": 1,
                "font": {"size": 11},
                "bgcolor": "rgba(0,0,0,0)",
            },
            "xaxis": {
                "title": {"text": "t, from the first end to the second"},
                "range": [-0.03, 1.03],
                "zeroline": False,
                "showgrid": False,
            },
            "yaxis": {"zeroline": False},
        },
        patches=(
            *axes.titled(MEASURE, {"loss": "loss", "accuracy": "accuracy"}),
            axes.scaled("linear"),
            axes.scaled("log"),
        ),
    )


def phrases() -> tuple[Phrase, ...]:
    """List what the line under the title says: how to read it, and how many units were matched elsewhere."""
    told = Source(kind="barrier", how="append", keys=KEYS, where={"split": "train"})
    matched = Source(
        kind="barrier", how="append", keys=KEYS, where={"path": "matched", "split": "train", "final": True}
    )
    return (
        Phrase(source=told, text="dotted: test split"),
        Phrase(source=matched, text="matched: {moved:share} of the units changed places"),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="connectivity",
        title="Connectivity",
        docs=("analyses/connectivity",),
        words=Words(
            empty="Choose two ends under “Connect” of the landscape: the loss between them is drawn here.",
            loading="Working out the first path.",
            absent="This run drew no path. Choose two ends under “Connect” of the landscape.",
            blank="A regression and a function have no accuracy: look at the loss.",
        ),
        asked="connectivity",
        choices=(MEASURE, SCALE),
        graphs=(graph(),),
        bindings=(*(_line(way, split) for way in WAYS for split in ("test", "train")), *(_peak(way) for way in WAYS)),
        phrases=phrases(),
    )
