"""What the singular values draw: a line each along training, over the band that independent entries would fill."""

from typing import Final

from pydantic import JsonValue

from backend.schemas.panels import Binding, Column, Graph, Page, Panel, Phrase, Sort, Words
from frontend.panels import axes, sources

GRAPH: Final = "singular"
BAND: Final = "rgba(128,128,128,0.16)"


def _edge(end: int, **trace: JsonValue) -> Binding:
    return Binding(
        source=sources.SINGULAR,
        graph=GRAPH,
        trace={"type": "scatter", "mode": "lines", "line": {"width": 1, "dash": "5px,4px"}, **trace},
        x=axes.STEP,
        y=Column(field=f"edges.{end}"),
        name="edge of a random kernel",
        paint={"line.color": "muted"},
    )


def bindings() -> tuple[Binding, ...]:
    """List the bindings, from the back to the front: the band, and the values."""
    values = Binding(
        source=sources.SINGULAR,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "lines",
            "line": {"width": 1.25},
            "hovertemplate": "step %{x}<br>σ = %{y:.4~g}<extra></extra>",
        },
        x=axes.STEP,
        y=Column(field="values"),
        entries=True,
        paint={"line.color": "color"},
    )
    text = "%{fullData.name}: %{y:.3~g}<extra></extra>"
    return (_edge(0, hovertemplate=text), _edge(1, hovertemplate=text, fill="tonexty", fillcolor=BAND), values)


def graph() -> Graph:
    """Return the one graph: one page for each lane."""
    return Graph(
        name=GRAPH,
        layout={
            "hovermode": "closest",
            "xaxis": axes.STEPS,
            "yaxis": {"title": {"text": "singular value"}, "rangemode": "tozero", "zeroline": False},
        },
        page=Page(
            source=sources.SINGULAR, field="lane", series=("lane",), label="{lane.title}",
            needs=("gradient_stats",),
        ),
        cursor={},
    )  # fmt: skip


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="singular",
        title="Singular values",
        words=Words(
            empty="Ask for singular_values among the gradient statistics and press Start: each kernel's are drawn.",
            loading="Decomposing the first weights.",
            absent="This run told no singular values. Look at a step of it below, or ask for them in the set-up.",
        ),
        docs=("analyses/gradient_stats",),
        asked="gradient_stats",
        asked_with={"statistics": ("singular_values",)},
        look={"kind": "gradient_stats", "statistics": ["singular_values"], "examples": 2},
        sort=Sort(key="layer", label="Which kernel", title="{value}"),
        graphs=(graph(),),
        bindings=bindings(),
        phrases=(Phrase(source=sources.SINGULAR, text="band: where independent entries of this variance would lie"),),
    )
