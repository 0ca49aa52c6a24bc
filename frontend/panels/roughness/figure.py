"""What the roughness draws: the index with its bootstrap interval by step or by length, and the profiles it is made of.

By step stands the length that was asked for first; by length every one, at the moment that the page shows. Profiles are
drawn thin, each from its own lowest to its own highest value, because that is what the index compares; or
as losses above the point's own.
"""

from typing import Final

from pydantic import JsonValue

from backend.schemas.panels import Binding, Channel, Choice, Column, Graph, Option, Panel, Patch, Phrase, Source, Words
from frontend.panels import axes, marks, sources

INDEX: Final = "roughness"
PROFILES: Final = "profiles"
LENGTH: Final = Column(field="length")
LOW: Final = Column(field="interval.0")
HIGH: Final = Column(field="interval.1")

VIEW: Final = Choice(
    name="view",
    label="What is drawn",
    options=(
        Option(value="step", label="By step"),
        Option(value="length", label="By length"),
        Option(value="shape", label="Profiles"),
        Option(value="loss", label="Losses"),
    ),
)
INDICES: Final = ("step", "length")
LINES: Final = ("shape", "loss")
BAR: Final[dict[str, JsonValue]] = {"thickness": 1, "width": 3}
HOVER: Final = (
    "{lane.title} · step {step}, l = {length}<br>RI {index} [{interval.0}, {interval.1}]<br>T {variation}, of a slope "
    "{least}<br>‖g‖ {grad_norm}"
)


def bindings() -> tuple[Binding, ...]:
    """List the bindings, from the back to the front."""
    return (
        _index(
            "step",
            sources.ROUGHNESS,
            axes.STEP,
            {"type": "scatter", "mode": "lines+markers", "line": {"width": 2}, "marker": {"size": 5}, "error_y": BAR},
        ),
        _index(
            "length",
            sources.LENGTHS,
            LENGTH,
            {"type": "scatter", "mode": "markers", "marker": {"size": 8}, "error_y": BAR, "cliponaxis": False},
        ),
        _profiles("shape", Column(field="profiles", stretched=True)),
        _profiles("loss", Column(field="profiles", above="loss")),
    )


def _index(view: str, source: Source, x: Column, trace: dict[str, JsonValue]) -> Binding:
    return Binding(
        source=source,
        graph=INDEX,
        when={VIEW.name: (view,)},
        rows="last" if view == "length" else "all",
        trace=trace,
        x=x,
        y=Column(field="index"),
        low=LOW,
        high=HIGH,
        hover=HOVER,
        paint={**marks.LINE, **marks.MARK, "error_y.color": "color"},
    )


def _profiles(view: str, y: Channel) -> Binding:
    return Binding(
        source=sources.PROFILES,
        graph=PROFILES,
        when={VIEW.name: (view,)},
        trace={
            "type": "scatter",
            "mode": "lines",
            "line": {"width": 1},
            "opacity": 0.55,
            "hovertemplate": "%{fullData.name} · t = %{x:.3~g}<br>%{y:.4~g}<extra></extra>",
        },
        x=Column(field="t"),
        y=y,
        strands=True,
        paint=marks.LINE,
    )


def graphs() -> tuple[Graph, ...]:
    """Return both graphs, with what each choice changes of their axes."""
    index = Graph(
        name=INDEX,
        when={VIEW.name: INDICES},
        layout={
            "hovermode": "closest",
            "xaxis": {"showgrid": False, "zeroline": False},
            "yaxis": {
                "rangemode": "tozero",
                "zeroline": False,
                "tickformat": "~g",
                "title": {"text": "roughness index"},
            },
        },
        cursor={VIEW.name: ("step",)},
        patches=(
            Patch(when={VIEW.name: ("step",)}, layout={"xaxis": {"rangemode": "tozero", "title": {"text": "step"}}}),
            Patch(
                when={VIEW.name: ("length",)},
                layout={"xaxis": {"type": "log", "tickformat": "~g", "title": {"text": "length l of the profiles"}}},
            ),
        ),
    )
    profiles = Graph(
        name=PROFILES,
        when={VIEW.name: LINES},
        layout={
            "hovermode": "closest",
            "xaxis": {
                "showgrid": False,
                "zeroline": False,
                "tickformat": "~g",
                "title": {"text": "t along the direction"},
            },
            "yaxis": {"zeroline": False, "tickformat": "~g"},
        },
        patches=(
            Patch(
                when={VIEW.name: ("shape",)},
                layout={"yaxis": {"title": {"text": "loss in its own range"}, "range": [-0.03, 1.03]}},
            ),
            Patch(when={VIEW.name: ("loss",)}, layout={"yaxis": {"title": {"text": "loss above the point's"}}}),
        ),
    )
    return index, profiles


def phrases() -> tuple[Phrase, ...]:
    """List what the line under the title says: how to read the index, and what stands beside it."""
    return (
        Phrase(source=sources.PROFILES, text="RI 0: alike on all directions, not flat"),
        Phrase(source=sources.PROFILES, text="at l = {length}: T {variation} (slope {least}, valley twice that)"),
        Phrase(source=sources.PROFILES, text="‖g‖ {grad_norm}"),
        Phrase(source=sources.PROFILES, text="relative L² error {relative_l2}"),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="roughness",
        title="Roughness",
        words=Words(
            empty="Switch the roughness on in the set-up and press Start: its index is drawn here with its interval.",
            loading="Measuring the loss along random directions.",
            absent="This run told no roughness. Look at a step of it below, or switch it on in the set-up.",
        ),
        docs=("analyses/roughness",),
        asked="roughness",
        look={"kind": "roughness", "lengths": [0.01, 0.02, 0.05, 0.2, 0.5, 1.0]},
        choices=(VIEW,),
        graphs=graphs(),
        bindings=bindings(),
        phrases=phrases(),
    )
