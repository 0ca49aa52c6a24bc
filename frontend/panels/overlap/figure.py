"""What the overlap draws: for each lane the share in the top eigenspace by step, and dashed what chance would give.

A hollow mark is an eigenspace that has not converged.
"""

from typing import Final

from backend.schemas.panels import Binding, Choice, Column, Graph, Option, Panel, Patch, Phrase, Pick, Sort, Words
from frontend.panels import sources

GRAPH: Final = "overlap"
STEP: Final = Column(field="step")
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
SCALE: Final = Choice(
    name="scale",
    label="Vertical scale",
    options=(Option(value="linear", label="Lin"), Option(value="log", label="Log")),
)
SHARE: Final = Pick(choice=WHAT.name, columns={name: Column(field=field) for name, field in COLUMNS.items()})


def bindings() -> tuple[Binding, ...]:
    """List the bindings, from the back to the front."""
    chance = Binding(
        source=sources.OVERLAP,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "lines",
            "line": {"width": 1.25, "dash": "5px,4px"},
            "hovertemplate": "a random vector: k/P = %{y:.3~g}<extra></extra>",
        },
        x=STEP,
        y=Column(field="baseline"),
        name="chance",
        paint={"line.color": "muted"},
    )
    share = Binding(
        source=sources.OVERLAP,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "lines+markers",
            "line": {"width": 2},
            "marker": {"size": 5},
            "hovertemplate": "%{fullData.name} · step %{x}<br>%{y:.3~g}<extra></extra>",
        },
        x=STEP,
        y=SHARE,
        paint={"line.color": "color", "line.dash": "dash", "marker.color": "color", "marker.symbol": "symbol"},
    )
    now = Binding(
        source=sources.OVERLAP,
        graph=GRAPH,
        rows="last",
        trace={
            "type": "scatter",
            "mode": "markers",
            "marker": {"size": 9},
            "cliponaxis": False,
            "hovertemplate": "%{fullData.name} · step %{x}<br>%{y:.3~g}<extra></extra>",
        },
        x=STEP,
        y=SHARE,
        paint={"marker.color": "color", "marker.symbol": "symbol"},
    )
    uncertain = Binding(
        source=sources.OVERLAP_NOT_CONVERGED,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "markers",
            "marker": {"size": 8, "line": {"width": 1.5}},
            "cliponaxis": False,
            "hovertemplate": "%{fullData.name}, not converged · step %{x}<br>%{y:.3~g}<extra></extra>",
        },
        x=STEP,
        y=SHARE,
        paint={"marker.color": "paper", "marker.line.color": "color", "marker.symbol": "symbol"},
    )
    return chance, share, now, uncertain


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
            "xaxis": {"rangemode": "tozero", "showgrid": False, "zeroline": False, "title": {"text": "step"}},
            "yaxis": {"type": "linear", "range": [0, 1.02], "zeroline": False, "tickformat": "~g"},
        },
        cursor={},
        patches=(
            *(
                Patch(when={WHAT.name: (name,)}, layout={"yaxis": {"title": {"text": title}}})
                for name, title in titles.items()
            ),
            Patch(
                when={SCALE.name: ("log",)},
                layout={"yaxis": {"type": "log", "autorange": True, "nticks": 5, "exponentformat": "power"}},
            ),
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
