"""What the overlap draws: for each lane the share in the top eigenspace by step, and dashed what chance would give.

A hollow mark is an eigenspace that has not converged.
"""

from typing import Final

from backend.schemas.panels import Binding, Choice, Column, Graph, Option, Panel, Phrase, Pick, Sort, Words
from frontend.panels import axes, marks, sources

GRAPH: Final = "overlap"
COLUMNS: Final = {"gradient": "fraction", "update": "update", "turning": "previous"}

WHAT: Final = Choice(
    name="what",
    label="Share of what",
    options=(
        Option(value="gradient", label="Gradient"),
        Option(value="update", label="Update"),
        Option(value="turning", label="Last space"),
    ),
)
SCALE: Final = axes.scale("linear")
SHARE: Final = Pick(choice=WHAT.name, columns={name: Column(field=field) for name, field in COLUMNS.items()})


def bindings() -> tuple[Binding, ...]:
    """List the bindings, from the back to the front."""
    chance = Binding(
        source=sources.OVERLAP,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "lines",
            "line": marks.DASHED,
            "hovertemplate": "a random vector: k/P = %{y:.3~g}<extra></extra>",
        },
        x=axes.STEP,
        y=Column(field="baseline"),
        name="chance",
        paint={"line.color": "muted"},
    )
    text = "%{y:.3~g}"
    return (
        chance,
        marks.line(sources.OVERLAP, GRAPH, SHARE, text, dots=5),
        marks.now(sources.OVERLAP, GRAPH, SHARE, text, size=9),
        marks.uncertain(sources.OVERLAP_NOT_CONVERGED, GRAPH, SHARE, text),
    )


def graph() -> Graph:
    """Return the one graph, with what each choice changes of its axes."""
    titles = {
        "gradient": "share of the gradient",
        "update": "share of the update",
        "turning": "overlap with the look before",
    }
    return Graph(
        name=GRAPH,
        layout={
            "hovermode": "closest",
            "xaxis": axes.STEPS,
            "yaxis": {"type": "linear", "range": [0, 1.02], "zeroline": False, "tickformat": "~g"},
        },
        cursor={},
        patches=(
            *axes.titled(WHAT, titles),
            axes.scaled("log", autorange=True),
        ),
    )


def phrases() -> tuple[Phrase, ...]:
    """List what the line under the title says."""
    return (
        Phrase(source=sources.OVERLAP, text="in the {k} sharpest directions"),
        Phrase(source=sources.OVERLAP, text="dashed: chance, {baseline:share}"),
        Phrase(source=sources.OVERLAP, text="{products} products a look"),
        Phrase(source=sources.OVERLAP, where={"converged": False}, text="not converged"),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="overlap",
        title="Overlap",
        words=Words(
            empty="Switch the overlap on in the set-up and press Start: the share in the sharpest directions is drawn.",
            loading="Working out the sharpest directions.",
            absent="This run told no overlap. Look at a step of it below, or switch it on in the set-up.",
            blank="A stored moment has no update, and a single look none before it: choose the gradient.",
        ),
        docs=("analyses/overlap",),
        asked="overlap",
        look={"kind": "overlap"},
        sort=Sort(key="layer", label="Of which layer", whole="Whole network", title="Layer {value}"),
        choices=(WHAT, SCALE),
        graphs=(graph(),),
        bindings=bindings(),
        phrases=phrases(),
    )
