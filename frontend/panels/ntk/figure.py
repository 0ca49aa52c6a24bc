"""What the tangent kernel draws: eigenvalues as a fan along training, and its alignment with the targets."""

from typing import Final

from backend.schemas.panels import Binding, Choice, Column, Graph, Option, Page, Panel, Phrase, Words
from frontend.panels import axes, marks, sources

VALUES: Final = "ntk"
ALIGNED: Final = "ntk_alignment"
LAYERS: Final = "ntk_layers"
WHAT: Final = Choice(
    name="what",
    label="What of the kernel",
    options=(
        Option(value="values", label="Eigenvalues"),
        Option(value="aligned", label="Alignment"),
        Option(value="layers", label="Layers"),
    ),
)
ALIGNMENT: Final = Column(field="alignment")


def bindings() -> tuple[Binding, ...]:
    """List the bindings of the three pictures."""
    fan = Binding(
        source=sources.KERNEL,
        graph=VALUES,
        trace={
            "type": "scatter",
            "mode": "lines",
            "line": {"width": 0.6},
            "opacity": 0.7,
            "hovertemplate": "step %{x}<br>λ = %{y:.4~g}<extra></extra>",
        },
        x=axes.STEP,
        y=Column(field="eigenvalues"),
        entries=True,
        paint={"line.color": "color"},
    )
    chance = Binding(
        source=sources.KERNEL,
        graph=ALIGNED,
        trace={
            "type": "scatter",
            "mode": "lines",
            "line": marks.DASHED,
            "hovertemplate": "no kernel at all: 1/√(N−1) = %{y:.3~g}<extra></extra>",
        },
        x=axes.STEP,
        y=Column(field="baseline"),
        name="chance",
        paint={"line.color": "muted"},
    )
    layers = Binding(
        source=sources.KERNEL,
        graph=LAYERS,
        trace={
            "type": "heatmap",
            "hovertemplate": "layer %{y} · step %{x}<br>alignment %{text}<extra></extra>",
            "hoverongaps": False,
        },
        x=axes.STEP,
        y=Column(field="layer"),
        z=Column(field="layer_alignment"),
        entries=True,
        name="layers",
    )
    return (
        fan,
        chance,
        marks.line(sources.KERNEL, ALIGNED, ALIGNMENT, "alignment %{y:.3~g}", dots=5),
        marks.now(sources.KERNEL, ALIGNED, ALIGNMENT, "alignment %{y:.3~g}"),
        layers,
    )


def graphs() -> tuple[Graph, ...]:
    """List the three pictures, of which one is shown."""
    page = Page(source=sources.KERNEL, field="lane", series=("lane",), label="{lane.title}", needs=("kernel",))
    return (
        Graph(
            name=VALUES,
            when={WHAT.name: ("values",)},
            layout={
                "hovermode": "closest",
                "xaxis": axes.STEPS,
                "yaxis": {
                    "type": "log",
                    "title": {"text": "eigenvalue of K"},
                    "nticks": 6,
                    **axes.POWERS,
                },
            },
            page=page,
            cursor={},
        ),
        Graph(
            name=ALIGNED,
            when={WHAT.name: ("aligned",)},
            layout={
                "hovermode": "closest",
                "xaxis": axes.STEPS,
                "yaxis": {"title": {"text": "alignment"}, "rangemode": "tozero", "zeroline": False},
            },
            cursor={},
        ),
        Graph(
            name=LAYERS,
            when={WHAT.name: ("layers",)},
            layout={
                "hovermode": "closest",
                "xaxis": {**axes.STEPS, "rangemode": "normal"},
                "yaxis": axes.LAYERS,
            },
            page=page,
            cursor={},
            shade=True,
        ),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="ntk",
        title="Tangent kernel",
        words=Words(
            empty="Switch the tangent kernel on in the set-up and press Start: how fast errors are learnt is drawn.",
            loading="Taking the slopes of the outputs.",
            absent="This run told no kernel. Look at a step of it below, or switch it on in the set-up.",
            blank="The layers were not asked for: switch “Layers” on in the kernel's settings.",
        ),
        docs=("analyses/ntk",),
        asked="ntk",
        look={"kind": "ntk"},
        choices=(WHAT,),
        graphs=graphs(),
        bindings=bindings(),
        phrases=(
            Phrase(source=sources.KERNEL, text="{examples} examples"),
            Phrase(source=sources.KERNEL, text="alignment {alignment:short}, chance {baseline:short}"),
        ),
    )
