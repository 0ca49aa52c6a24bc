"""What the gradients draw: a statistic by layer and step as colours, or a line for each lane over what chance gives."""

from typing import Final

from backend.schemas.panels import Binding, Choice, Column, Graph, Option, Page, Panel, Patch, Phrase, Sort, Words
from frontend.panels import axes, marks, sources

LAYERS: Final = "gradients"
LANES: Final = "gradients_lanes"
TITLES: Final = {
    "gradient_norm": "Gradient norm",
    "weight_norm": "Weight norm",
    "update_norm": "Step length",
    "update_ratio": "Step by weight",
    "signal_to_noise": "Signal to noise",
    "one_step_ratio": "One-step ratio",
    "noise_scale": "Noise scale",
    "coherence": "Coherence",
    "weight_alignment": "Weight alignment",
    "layer_rotation": "Layer rotation",
    "mode_responses": "Mode responses",
    "lojasiewicz": "Łojasiewicz",
}
UNITS: Final = {
    "gradient_norm": "‖ḡ‖",
    "weight_norm": "‖θ‖",
    "update_norm": "‖Δθ‖",
    "update_ratio": "‖Δθ‖ / ‖θ‖",
    "signal_to_noise": "mean GSNR",
    "one_step_ratio": "one-step ratio R",
    "noise_scale": "noise scale, examples",
    "coherence": "m·α, examples helped",
    "weight_alignment": "mean cos(−g, w)",
    "layer_rotation": "1 − cos(w, w₀)",
    "mode_responses": "response of the first mode",
    "lojasiewicz": "exponent θ",
}
SAID: Final = UNITS | {
    "gradient_norm": "length of the mean gradient ‖ḡ‖",
    "weight_norm": "length of the weights ‖θ‖",
    "update_norm": "length of the last step ‖Δθ‖",
    "update_ratio": "last step by weights ‖Δθ‖ / ‖θ‖",
    "signal_to_noise": "mean GSNR: squared mean by variance of single gradients",
    "one_step_ratio": "one-step generalisation ratio R",
    "noise_scale": "noise scale tr Σ / ‖ḡ‖², in examples",
    "layer_rotation": "how far the kernels have turned, 1 − cos(w, w₀)",
    "weight_alignment": "mean cos(−g, w) on the last kernel",
    "mode_responses": "how far each mode of the margins is learnt",
    "lojasiewicz": "exponent θ of the descent",
}
LOG: Final = ("gradient_norm", "weight_norm", "update_norm", "update_ratio", "signal_to_noise", "noise_scale")

WHAT: Final = Choice(
    name="by",
    label="Layers of one lane, or lanes over one another",
    options=(Option(value="layers", label="Layers"), Option(value="lanes", label="Lanes")),
)
ALL: Final = "all"  # of the layers
VALUE: Final = Column(field="values", entry=ALL)


def bindings() -> tuple[Binding, ...]:
    """List the bindings of both pictures, from the back to the front."""
    layers = Binding(
        source=sources.STATS,
        graph=LAYERS,
        trace={"type": "heatmap", "hovertemplate": "%{y} · step %{x}<br>%{text}<extra></extra>", "hoverongaps": False},
        x=axes.STEP,
        y=Column(field="layer"),
        z=Column(field="values"),
        entries=True,
        name="{statistic:text}",
    )
    chance = Binding(
        source=sources.STATS,
        graph=LANES,
        trace={
            "type": "scatter",
            "mode": "lines",
            "line": marks.DASHED,
            "hovertemplate": "chance: %{y:.3~g}<extra></extra>",
        },
        x=axes.STEP,
        y=Column(field="baseline", entry=ALL),
        name="chance",
        paint={"line.color": "muted"},
    )
    return (
        layers,
        chance,
        marks.line(sources.STATS, LANES, VALUE, "%{y:.4~g}", dots=5),
        marks.now(sources.STATS, LANES, VALUE, "%{y:.4~g}"),
    )


def graphs() -> tuple[Graph, ...]:
    """List both pictures, of which one is shown."""
    layers = Graph(
        name=LAYERS,
        when={WHAT.name: ("layers",)},
        layout={
            "hovermode": "closest",
            "xaxis": {**axes.STEPS, "rangemode": "normal"},
            "yaxis": axes.LAYERS,
        },
        page=Page(
            source=sources.STATS, field="lane", series=("lane",), label="{lane.title}", needs=("gradient_stats",)
        ),
        cursor={},
        shade=True,
    )
    lanes = Graph(
        name=LANES,
        when={WHAT.name: ("lanes",)},
        layout={"hovermode": "closest", "xaxis": axes.STEPS, "yaxis": {"type": "linear", "zeroline": False}},
        cursor={},
        patches=(
            *(
                Patch(when={"statistic": (name,)}, layout={"yaxis": {"title": {"text": unit}}})
                for name, unit in UNITS.items()
            ),
            Patch(
                when={"statistic": LOG},
                layout={"yaxis": {"type": "log", "nticks": 5, "exponentformat": "power"}},
            ),
        ),
    )
    return layers, lanes


def phrases() -> tuple[Phrase, ...]:
    """List what the line under the title says: what is drawn, of how much, and what chance gives."""
    stats = sources.STATS

    def told(statistic: str, text: str) -> Phrase:
        return Phrase(source=stats, where={"statistic": statistic}, text=text)

    return (
        *(told(name, said) for name, said in SAID.items()),
        Phrase(source=stats, text="{examples} examples one by one"),
        told("coherence", "1 is chance"),
        told("signal_to_noise", "dashed: noise alone"),
        told("lojasiewicz", "½ for a quadratic"),
        Phrase(source=stats, where={"run.request.problem.model.norm": "batch"}, text="BatchNorm frozen"),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="gradients",
        title="Gradients",
        words=Words(
            empty="Switch gradient statistics on in the set-up and press Start: what single examples tell is drawn.",
            loading="Taking the gradients of single examples.",
            absent="This run told no such statistic. Look at a step of it below, or ask for one in the set-up.",
        ),
        docs=("analyses/gradient_stats",),
        asked="gradient_stats",
        asked_with={"statistics": tuple(TITLES)},
        look={"kind": "gradient_stats"},
        sort=Sort(key="statistic", label="Which statistic", titles=TITLES),
        choices=(WHAT,),
        graphs=graphs(),
        bindings=bindings(),
        phrases=phrases(),
    )
