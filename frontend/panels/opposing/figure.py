"""What the opposing signals draw: the examples that the last step helped most, and below each its opponent."""

from typing import Final

from backend.schemas.panels import Binding, Column, Graph, Page, Panel, Phrase, Words
from frontend.panels import sources

GRAPH: Final = "opposing"
PAIRS: Final = 8


def binding() -> Binding:
    """Return the gallery: helped above, hurt below, each with its class and the change of its loss."""
    return Binding(
        source=sources.OPPOSITION,
        graph=GRAPH,
        trace={"type": "heatmap", "colorscale": [[0, "#000000"], [1, "#ffffff"]], "showscale": False},
        x=Column(field="change"),
        y=Column(field="change"),
        z=Column(field="pictures"),
        gallery=PAIRS,
        label="{change:change}",
        hover="class {label}<br>loss {change:change}<br>cosine with its partner {pair_cosine:short}",
        name="pairs",
    )


def graph() -> Graph:
    """Return the one graph, without axes: one page for each lane."""
    return Graph(
        name=GRAPH,
        layout={
            "hovermode": "closest",
            "xaxis": {"visible": False, "constrain": "domain"},
            "yaxis": {
                "scaleanchor": "x", "constrain": "domain", "range": [-3.0, 0.05], "showgrid": False, "zeroline": False,
                "tickvals": [-0.5, -2.0], "ticktext": ["helped\u2002", "hurt\u2002"], "ticks": "", "linewidth": 0,
            },
        },
        page=Page(
            source=sources.OPPOSITION, field="lane", series=("lane",), label="{lane.title}",
            needs=("opposition",),
        ),
    )  # fmt: skip


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="opposing",
        title="Opposing signals",
        words=Words(
            empty="Ask for opposing among the gradient statistics and press Start: whom a step hurts is drawn.",
            loading="Waiting for a look whose step before is known.",
            absent="This run told no opposed examples: ask for opposing in the set-up.",
            blank="These examples are no pictures.",
        ),
        docs=("analyses/gradient_stats",),
        asked="gradient_stats",
        asked_with={"statistics": ("opposing",)},
        graphs=(graph(),),
        bindings=(binding(),),
        phrases=(
            Phrase(source=sources.OPPOSITION, text="step {step}: change of each loss"),
            Phrase(source=sources.OPPOSITION, text="cosine of both groups' gradients {cosine:short}"),
        ),
    )
