"""What the sharpness draws: each lane's largest eigenvalue by step, and its threshold dashed in the same colour.

An eigenvalue that has not converged is a hollow mark, with its residual as an error bar: an eigenvalue of the matrix
lies within it. A threshold changes in steps, with the learning rate.
"""

from typing import Final

from backend.schemas.panels import Binding, Choice, Column, Graph, Option, Panel, Patch, Phrase, Pick, Words
from frontend.panels import sources

GRAPH: Final = "sharpness"
STEP: Final = Column(field="step")

MATRIX: Final = Choice(
    name="matrix",
    label="Which matrix",
    options=(Option(value="plain", label="Hessian"), Option(value="preconditioned", label="P⁻¹H")),
)
SCALE: Final = Choice(
    name="scale",
    label="Vertical scale",
    options=(Option(value="linear", label="Lin"), Option(value="log", label="Log")),
)


def _pick(plain: str, preconditioned: str) -> Pick:
    columns = {"plain": Column(field=plain), "preconditioned": Column(field=preconditioned)}
    return Pick(choice=MATRIX.name, columns=columns)


VALUE: Final = _pick("values.0", "preconditioned.0")


def bindings() -> tuple[Binding, ...]:
    """List the bindings, from the back to the front."""
    threshold = Binding(
        source=sources.TRAIN,  # every step tells it, whenever the eigenvalue comes
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "lines",
            "line": {"width": 1.25, "dash": "5px,4px", "shape": "vh"},
            "hovertemplate": "%{fullData.name}, threshold · step %{x}<br>%{y:.4~g}<extra></extra>",
        },
        x=STEP,
        y=_pick("threshold", "preconditioned_threshold"),
        paint={"line.color": "color"},
    )
    value = Binding(
        source=sources.SHARPNESS,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "lines",
            "line": {"width": 2},
            "hovertemplate": "%{fullData.name} · step %{x}<br>sharpness %{y:.4~g}<extra></extra>",
        },
        x=STEP,
        y=VALUE,
        paint={"line.color": "color", "line.dash": "dash"},
    )
    now = Binding(
        source=sources.SHARPNESS,
        graph=GRAPH,
        rows="last",
        trace={
            "type": "scatter",
            "mode": "markers",
            "marker": {"size": 8},
            "cliponaxis": False,
            "hovertemplate": "%{fullData.name} · step %{x}<br>sharpness %{y:.4~g}<extra></extra>",
        },
        x=STEP,
        y=VALUE,
        paint={"marker.color": "color", "marker.symbol": "symbol"},
    )
    uncertain = Binding(
        source=sources.NOT_CONVERGED,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "markers",
            "marker": {"size": 8, "line": {"width": 1.5}},
            "error_y": {"thickness": 1, "width": 2},
            "hovertemplate": "%{fullData.name}, not converged · step %{x}<br>%{y:.4~g} ± %{error_y.array:.2~g}"
            "<extra></extra>",
        },
        x=STEP,
        y=VALUE,
        error=_pick("residual", "preconditioned_residual"),
        paint={
            "marker.color": "paper",
            "marker.line.color": "color",
            "marker.symbol": "symbol",
            "error_y.color": "color",
        },
    )
    return threshold, value, now, uncertain


def graph() -> Graph:
    """Return the one graph, with what each choice changes of its axes."""
    return Graph(
        name=GRAPH,
        layout={
            "hovermode": "closest",
            "xaxis": {"rangemode": "tozero", "showgrid": False, "zeroline": False, "title": {"text": "step"}},
            "yaxis": {"type": "linear", "rangemode": "tozero", "zeroline": False},
        },
        cursor={},
        patches=(
            Patch(when={MATRIX.name: ("plain",)}, layout={"yaxis": {"title": {"text": "λ₁(H)"}, "tickformat": "~g"}}),
            Patch(
                when={MATRIX.name: ("preconditioned",)},
                layout={"yaxis": {"title": {"text": "λ₁(P⁻¹H)"}, "tickformat": "~s"}},
            ),
            Patch(when={SCALE.name: ("log",)}, layout={"yaxis": {"type": "log", "rangemode": "normal", "nticks": 4}}),
        ),
    )


def phrases() -> tuple[Phrase, ...]:
    """List what the line under the title says: how to read the picture, and what the newest value cost."""
    return (
        Phrase(source=sources.SHARPNESS, text="dashed: beyond it, steps grow"),
        Phrase(source=sources.SHARPNESS, text="{products} Hessian products a look"),
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
            blank="None of these rules divides the gradient by a P: look at the Hessian, or add a lane of Adam.",
        ),
        asked="sharpness",
        choices=(MATRIX, SCALE),
        graphs=(graph(),),
        bindings=bindings(),
        phrases=phrases(),
    )
