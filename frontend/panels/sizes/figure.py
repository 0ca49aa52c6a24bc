"""What the sizes draw: the share of each layer's entries by their size, at one moment."""

from typing import Final

from backend.schemas.panels import Binding, Choice, Column, Graph, Option, Page, Panel, Phrase, Source, Words
from frontend.panels import axes, sources

GRAPH: Final = "sizes"
OF: Final = {
    "gradient": ("Gradient", sources.GRADIENT_SIZES),
    "weight": ("Weights", sources.WEIGHT_SIZES),
    "update": ("Step", sources.UPDATE_SIZES),
}
WHAT: Final = Choice(
    name="of",
    label="Entries of what",
    options=tuple(Option(value=name, label=label) for name, (label, _) in OF.items()),
)


def _sizes(name: str, source: Source) -> Binding:
    return Binding(
        source=source,
        graph=GRAPH,
        when={WHAT.name: (name,)},
        trace={
            "type": "heatmap",
            "colorbar": {"tickformat": ".0%"},
            "hovertemplate": "%{y}<br>%{z:.1%} of its entries near %{x:.2~g}<extra></extra>",
        },
        x=Column(field="edges"),
        y=Column(field="layer"),
        z=Column(field="values", part=True),
        name=name,
    )


def graph() -> Graph:
    """Return the one graph: a row a layer, one page for each lane."""
    return Graph(
        name=GRAPH,
        layout={
            "hovermode": "closest",
            "xaxis": {
                "type": "log", "title": {"text": "size of an entry"}, "showgrid": False, "nticks": 6, "tickangle": 0,
                **axes.POWERS,
            },
            "yaxis": axes.LAYERS,
        },
        page=Page(
            source=sources.GRADIENT_SIZES, field="lane", series=("lane",), label="{lane.title}",
            needs=("gradient_stats",),
        ),
        shade=True,
    )  # fmt: skip


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="sizes",
        title="Sizes of entries",
        words=Words(
            empty="Ask for histograms among the gradient statistics and press Start: they are drawn here, by layer.",
            loading="Taking the gradients of single examples.",
            absent="This run told no histogram. Look at a step of it below, or ask for one in the set-up.",
            blank="This histogram was not asked for, or there was no step before: add it to the statistics.",
        ),
        docs=("analyses/gradient_stats",),
        asked="gradient_stats",
        asked_with={"statistics": ("gradient_histogram", "weight_histogram", "update_histogram")},
        look={"kind": "gradient_stats", "statistics": ["gradient_histogram", "weight_histogram", "update_histogram"]},
        choices=(WHAT,),
        graphs=(graph(),),
        bindings=tuple(_sizes(name, source) for name, (_, source) in OF.items()),
        phrases=(
            *(Phrase(source=source, text="step {step}") for source in (sources.GRADIENT_SIZES,)),
            Phrase(source=sources.GRADIENT_SIZES, text="share of a layer's entries, zeros left out"),
        ),
    )
