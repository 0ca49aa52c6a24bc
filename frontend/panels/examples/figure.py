"""What the examples draw: each one's gradient as a point among those of its class, its picture when pointed at."""

from typing import Final

from backend.schemas.panels import Binding, Choice, Column, Graph, Option, Page, Panel, Patch, Phrase, Pick, Words
from frontend.panels import sources

GRAPH: Final = "examples"
SHOWN: Final = {
    "norm": ("Norm", "length of the gradient ‖g‖"),
    "cosine": ("With mean", "cosine with the mean gradient"),
    "alignment": ("With weights", "γ = cos(−g, w) on the last kernel"),
    "loss": ("Loss", "loss"),
}
WHAT: Final = Choice(
    name="what",
    label="What of every example",
    options=tuple(Option(value=name, label=label) for name, (label, _) in SHOWN.items()),
)
VALUE: Final = Pick(choice=WHAT.name, columns={name: Column(field=name) for name in SHOWN})


def binding() -> Binding:
    """Return the one binding: the examples of each class, over the middle half of them."""
    return Binding(
        source=sources.BY_EXAMPLE,
        graph=GRAPH,
        trace={
            "type": "box",
            "orientation": "h",
            "boxpoints": "all",
            "jitter": 0.8,
            "pointpos": 0,
            "hoveron": "points",
            "whiskerwidth": 0,
            "line": {"width": 1},
            "fillcolor": "rgba(128,128,128,0.14)",
            "marker": {"size": 6, "opacity": 0.8, "line": {"width": 0.5}},
        },
        x=VALUE,
        y=Column(field="label", otherwise="all"),
        hover="‖g‖ {norm}<br>cos with mean {cosine:short}<br>γ {alignment:short}<br>loss {loss}",
        pictures="example_pictures",
        paint={"line.color": "muted", "marker.color": "color", "marker.line.color": "paper"},
    )


def graph() -> Graph:
    """Return the one graph: a band for each class, one page for each lane."""
    signed = ("cosine", "alignment")
    return Graph(
        name=GRAPH,
        layout={
            "hovermode": "closest",
            "xaxis": {"showgrid": True, "zeroline": False, "tickformat": "~g"},
            "yaxis": {
                "type": "category", "categoryorder": "category descending", "dtick": 1, "showgrid": False, "ticks": "",
                "title": {"text": "class"},
            },
        },
        patches=(
            *(
                Patch(when={WHAT.name: (name,)}, layout={"xaxis": {"title": {"text": title}}})
                for name, (_, title) in SHOWN.items()
            ),
            Patch(when={WHAT.name: ("norm", "loss")}, layout={"xaxis": {"type": "log", "nticks": 3}}),
            Patch(when={WHAT.name: signed}, layout={"xaxis": {"type": "linear", "zeroline": True}}),
        ),
        page=Page(
            source=sources.BY_EXAMPLE, field="lane", series=("lane",), label="{lane.title}", needs=("examples",)
        ),
    )  # fmt: skip


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="examples",
        title="Examples",
        words=Words(
            empty="Switch gradient statistics on in the set-up and press Start: each example is a point here.",
            loading="Taking the gradients of single examples.",
            absent="This run told of no single examples. Look at a step of it below, or ask for them in the set-up.",
        ),
        docs=("analyses/gradient_stats",),
        asked="gradient_stats",
        asked_with={"statistics": ("examples",)},
        look={"kind": "gradient_stats", "statistics": ["examples"]},
        choices=(WHAT,),
        graphs=(graph(),),
        bindings=(binding(),),
        phrases=(
            Phrase(source=sources.BY_EXAMPLE, text="step {step}"),
            Phrase(source=sources.BY_EXAMPLE, text="{examples} examples, a point each; boxes hold the middle half"),
        ),
    )
