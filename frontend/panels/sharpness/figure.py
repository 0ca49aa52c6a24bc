"""What the sharpness draws: each lane's largest eigenvalue by step, and its threshold dashed in the same colour.

An eigenvalue that has not converged is a hollow mark, with its residual as an error bar: an eigenvalue of the matrix
lies within it. A threshold changes in steps, with the learning rate. ``Flow`` is the Hessian's where gradient flow
would end, beside the same threshold. A diverged lane ends in a cross, at the height of its last finite value.
"""

from typing import Final

from backend.schemas.panels import Binding, Choice, Column, Graph, Option, Panel, Patch, Phrase, Pick, Words
from frontend.panels import axes, marks, sources

GRAPH: Final = "sharpness"

MATRIX: Final = Choice(
    name="matrix",
    label="Which matrix",
    options=(
        Option(value="plain", label="Hessian"),
        Option(value="preconditioned", label="P⁻¹H"),
        Option(value="flow", label="Flow"),
    ),
)
SCALE: Final = axes.scale("linear")


def _pick(**fields: str) -> Pick:
    return Pick(choice=MATRIX.name, columns={value: Column(field=field) for value, field in fields.items()})


def _last(**fields: str) -> Pick:
    """Look up the last finite value."""
    columns = {value: Column(field=field, kind="sharpness", finite=True) for value, field in fields.items()}
    return Pick(choice=MATRIX.name, columns=columns)


FOUND: Final = {"plain": "values.0", "preconditioned": "preconditioned.0"}
VALUE: Final = _pick(**FOUND, flow="flow")


def bindings() -> tuple[Binding, ...]:
    """List the bindings, from the back to the front."""
    threshold = Binding(
        source=sources.TRAIN,  # every step tells it, whenever the eigenvalue comes
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "lines",
            "line": {**marks.DASHED, "shape": "vh"},
            "hovertemplate": marks.hover("%{y:.4~g}", ", threshold"),
        },
        x=axes.STEP,
        y=_pick(plain="threshold", preconditioned="preconditioned_threshold", flow="threshold"),
        paint={"line.color": "color"},
    )
    text = "sharpness %{y:.4~g}"
    residual = _pick(plain="residual", preconditioned="preconditioned_residual")
    return (
        threshold,
        marks.line(sources.SHARPNESS, GRAPH, VALUE, text),
        marks.now(sources.SHARPNESS, GRAPH, VALUE, text),
        marks.uncertain(sources.NOT_CONVERGED, GRAPH, _pick(**FOUND), "%{y:.4~g} ± %{error_y.array:.2~g}", residual),
        marks.diverged(GRAPH, axes.STEP, _last(**FOUND, flow="flow")),
    )


def graph() -> Graph:
    """Return the one graph, with what each choice changes of its axes."""
    return Graph(
        name=GRAPH,
        layout={
            "hovermode": "closest",
            "xaxis": axes.STEPS,
            "yaxis": {"type": "linear", "rangemode": "tozero", "zeroline": False},
        },
        cursor={},
        patches=(
            Patch(when={MATRIX.name: ("plain",)}, layout={"yaxis": {"title": {"text": "λ₁(H)"}, "tickformat": "~g"}}),
            Patch(
                when={MATRIX.name: ("flow",)},
                layout={"yaxis": {"title": {"text": "λ₁ at flow's end"}, "tickformat": "~g"}},
            ),
            Patch(
                when={MATRIX.name: ("preconditioned",)},
                layout={"yaxis": {"title": {"text": "λ₁(P⁻¹H)"}, "tickformat": "~s"}},
            ),
            axes.scaled("log", rangemode="normal"),
        ),
    )


def phrases() -> tuple[Phrase, ...]:
    """List what the line under the title says: how to read the picture, and what the newest value cost."""
    return (
        Phrase(source=sources.SHARPNESS, text="thin dashes: above them, steps grow"),
        Phrase(source=sources.SHARPNESS, text="{products} products a look"),
        Phrase(source=sources.SHARPNESS, text="flow: {flow_gradients} gradients"),
        Phrase(source=sources.SHARPNESS, where={"converged": False}, text="not converged"),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="sharpness",
        title="Sharpness",
        docs=("analyses/sharpness",),
        words=Words(
            empty="Switch the sharpness on in the set-up and press Start: it is drawn here beside its threshold.",
            loading="Working out the largest eigenvalue of the Hessian.",
            absent="This run told no sharpness. Switch it on in the set-up, and start again.",
            blank="Nothing to draw here: P⁻¹H is of rules that divide the gradient by P, as Adam does; the end of the "
            "flow is switched on in the settings of the probe.",
        ),
        asked="sharpness",
        choices=(MATRIX, SCALE),
        graphs=(graph(),),
        bindings=bindings(),
        phrases=phrases(),
    )
