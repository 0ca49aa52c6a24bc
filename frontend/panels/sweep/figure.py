"""What the sweep draws: each rule's last loss against the learning rate, in its lane's style, its best one marked."""

from typing import Final

from backend.schemas.panels import Binding, Column, Graph, Panel, Phrase, Words
from frontend.panels import axes, marks, sources

GRAPH: Final = "sweep"
SCALE: Final = axes.scale("log")


def bindings() -> tuple[Binding, ...]:
    """List the bindings, from the back to the front."""
    curve = Binding(
        source=sources.SWEEP,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "lines+markers",
            "line": {"width": 2},
            "marker": {"size": 5},
            "connectgaps": False,
        },
        x=Column(field="lr"),
        y=Column(field="loss"),
        hover="{lane.title}<br>η = {x}<br>loss {y}",
        paint={**marks.LINE, "marker.color": "color"},
    )
    best = Binding(
        source=sources.SWEEP_BEST,
        graph=GRAPH,
        rows="last",
        trace={"type": "scatter", "mode": "markers", "marker": {"size": 12, "line": {"width": 2}}},
        x=Column(field="best_lr"),
        y=Column(field="best_loss"),
        hover="{lane.title}, best<br>η = {x}<br>loss {y}",
        paint={**marks.MARK, "marker.line.color": "paper"},
    )
    return curve, best


def graph() -> Graph:
    """Return the one graph, with what its choice changes."""
    return Graph(
        name=GRAPH,
        layout={
            "hovermode": "closest",
            "xaxis": {
                "title": {"text": "learning rate η"},
                "type": "log",
                "showgrid": False,
                "exponentformat": "e",
            },
            "yaxis": {
                "title": {"text": "loss after the budget"},
                "type": "log",
                "exponentformat": "e",
                "zeroline": False,
            },
        },
        patches=(axes.scaled("linear"),),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="sweep",
        title="Learning-rate sweep",
        docs=("analyses/sweep",),
        words=Words(
            empty="Choose a sweep under “New picture” of the landscape: losses against learning rates are drawn here.",
            loading="Running the first learning rates.",
            absent="This run swept no learning rate. Choose a sweep under “New picture” of the landscape.",
        ),
        asked="sweep",
        choices=(SCALE,),
        graphs=(graph(),),
        bindings=bindings(),
        phrases=(
            Phrase(source=sources.SWEEP, text="{budget} gradient evaluations for every run"),
            Phrase(source=sources.SWEEP, text="all start at a loss of {first_loss}"),
            Phrase(source=sources.SWEEP, text="large marks: each rule's best rate; no point where a run diverged"),
        ),
    )
