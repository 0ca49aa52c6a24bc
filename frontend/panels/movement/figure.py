"""What the movement draws: a line for each lane, or the layers of one lane as colours.

Beside the effective step stands the learning rate, dashed in the same colour: where both meet, the rule takes the steps
of gradient descent. Of a lane with repeats the median is drawn, on an area that holds the middle half of them.
"""

from typing import Final

from backend.schemas.panels import Binding, Choice, Column, Graph, Option, Page, Panel, Patch, Phrase, Pick, Words
from frontend.panels import axes, marks, sources

LANES: Final = "movement"
LAYERS: Final = "movement_layers"
ALL: Final = "all"  # of the layers
TITLES: Final = {
    "effective_step": "‖Δθ‖ / ‖g‖",
    "update_ratio": "‖Δθ‖ / ‖θ‖",
    "distance": "‖θ − θ₀‖",
    "rotation": "1 − cos(w, w₀)",
}
LOG: Final = ("effective_step", "update_ratio")

WHAT: Final = Choice(
    name="what",
    label="What is drawn",
    options=(
        Option(value="effective_step", label="Eff. step"),
        Option(value="update_ratio", label="Step/‖θ‖"),
        Option(value="distance", label="Distance"),
        Option(value="rotation", label="Rotation"),
    ),
)
BY: Final = Choice(
    name="by",
    label="Lanes over one another, or the layers of one lane",
    options=(Option(value="lanes", label="Lanes"), Option(value="layers", label="Layers")),
)


def _pick(entry: str | None = None, end: str = "") -> Pick:
    return Pick(choice=WHAT.name, columns={name: Column(field=f"{name}{end}", entry=entry) for name in TITLES})


def _median() -> tuple[Binding, ...]:
    """Draw races with repeats: the middle half of each lane's repeats as an area, their median as its line."""
    line = marks.line(sources.MOVEMENT_BAND, LANES, _pick(ALL), "").model_copy(
        update={"hover": "{lane.title}, median of {repeats} repeats · step {x}<br>{y}"}
    )
    area = line.model_copy(
        update={
            "trace": {"type": "scatter", "mode": "lines", "line": {"width": 0}},
            "hover": None,
            "low": _pick(ALL, "_low"),
            "high": _pick(ALL, "_high"),
            "area": True,
            "paint": {"fillcolor": "tint"},
        }
    )
    return area, line


def bindings() -> tuple[Binding, ...]:
    """List the bindings of both pictures, from the back to the front."""
    rate = Binding(
        source=sources.TRAIN,
        graph=LANES,
        when={WHAT.name: ("effective_step",)},
        trace={
            "type": "scatter",
            "mode": "lines",
            "line": marks.DASHED,
            "hovertemplate": marks.hover("%{y:.4~g}", ", learning rate"),
        },
        x=axes.STEP,
        y=Column(field="lr"),
        paint={"line.color": "color"},
    )
    layers = Binding(
        source=sources.MOVEMENT,
        graph=LAYERS,
        trace={"type": "heatmap", "hovertemplate": "%{y} · step %{x}<br>%{text}<extra></extra>", "hoverongaps": False},
        x=axes.STEP,
        y=Column(field="layer"),
        z=_pick(),
        entries=True,
    )
    lanes = (
        marks.line(sources.MOVEMENT, LANES, _pick(ALL), "%{y:.4~g}"),
        marks.now(sources.MOVEMENT, LANES, _pick(ALL), "%{y:.4~g}"),
        layers,
    )
    return (
        rate,
        *_median(),
        *(each.model_copy(update={"hidden_beside": "movement_band"}) for each in lanes),
        marks.now(sources.MOVEMENT_BAND, LANES, _pick(ALL), "%{y:.4~g}"),
        layers.model_copy(update={"source": sources.MOVEMENT_BAND}),
    )


def graphs() -> tuple[Graph, ...]:
    """List both pictures, of which one is shown."""
    lanes = Graph(
        name=LANES,
        when={BY.name: ("lanes",)},
        layout={
            "hovermode": "closest",
            "xaxis": axes.STEPS,
            "yaxis": {"type": "linear", "rangemode": "tozero", "zeroline": False, "tickformat": "~g"},
        },
        cursor={},
        patches=(
            *axes.titled(WHAT, TITLES),
            Patch(
                when={WHAT.name: LOG},
                layout={"yaxis": {**axes.LOGARITHMIC, "rangemode": "normal"}},
            ),
        ),
    )
    layers = Graph(
        name=LAYERS,
        when={BY.name: ("layers",)},
        layout={
            "hovermode": "closest",
            "xaxis": {**axes.STEPS, "rangemode": "normal"},
            "yaxis": axes.LAYERS,
        },
        page=Page(source=sources.MOVEMENT, field="lane", series=("lane",), label="{lane.title}", needs=("movement",)),
        cursor={},
        shade=True,
    )
    return lanes, layers


def phrases() -> tuple[Phrase, ...]:
    """List what the line under the title says."""
    told = sources.MOVEMENT
    rate = {WHAT.name: ("effective_step",), BY.name: ("lanes",)}
    return (Phrase(source=told, when=rate, text="dashed beside the effective step: the learning rate"),)


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="movement",
        title="Movement",
        docs=("analyses/movement",),
        words=Words(
            empty="Switch the movement on in the set-up and press Start: the length of steps is drawn here.",
            loading="Waiting for the first steps.",
            absent="This run told no movement. Look at a step of it below, or switch it on in the set-up.",
            blank="A kept step does not tell the gradient it answered: look at distance or rotation.",
        ),
        asked="movement",
        look={"kind": "movement"},
        choices=(WHAT, BY),
        graphs=graphs(),
        bindings=bindings(),
        phrases=phrases(),
    )
