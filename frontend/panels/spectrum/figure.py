"""What the spectrum draws: a density for each lane, and its largest eigenvalues as stems.

The height of a stem is the lane's own and means nothing; where it stands, the eigenvalue is, within its horizontal
error bar. A hollow stem has not converged (yet). With all matrices in one picture H is filled, G dashed, H − G
dotted.
"""

from typing import Final

from pydantic import JsonValue

from backend.schemas.panels import (
    Binding,
    Choice,
    Choices,
    Column,
    Graph,
    Option,
    Panel,
    Phrase,
    Sort,
    Words,
)
from frontend.panels import axes, sources

GRAPH: Final = "spectrum"
NAMES: Final = {"hessian": "H", "gauss_newton": "G", "residual": "H − G"}
ALL: Final = "all"
TITLES: Final = {
    "gauss_newton": "eigenvalue λ of G",
    "residual": "eigenvalue λ of H − G",
    ALL: "eigenvalue λ of H (filled), G (dashed), H − G (dotted)",
}

MATRIX: Final = Choice(
    name="matrix",
    label="Which matrix",
    options=(
        *(Option(value=kind, label=name.replace(" ", "")) for kind, name in NAMES.items()),
        Option(value=ALL, label="All"),
    ),
)
SCALE: Final = axes.scale("log", "Scale of the density")
STROKES: Final = {"gauss_newton": "dash", "residual": "dot"}
STEM: Final[dict[str, JsonValue]] = {"type": "percent", "symmetric": False, "value": 0, "valueminus": 100, "width": 0}


def _density(matrix: str, when: Choices, *, alone: bool) -> Binding:
    line: dict[str, JsonValue] = {"width": 1.5} if alone else {"width": 1.25, "dash": STROKES.get(matrix, "solid")}
    trace: dict[str, JsonValue] = {
        "type": "scatter",
        "mode": "lines",
        "line": line,
        "hovertemplate": f"%{{fullData.name}}, {NAMES[matrix]}<br>"
        "λ = %{x:.4~g}<br>density %{y:.3~g}<extra></extra>",
    }
    paint = {"line.color": "color"}
    if alone:
        paint["line.dash"] = "dash"
    if alone or matrix == "hessian":
        trace |= {"fill": "toself", "hoveron": "points"}  # each peak by itself: between them nothing is known
        paint["fillcolor"] = "tint"
    return Binding(
        source=sources.SPECTRUM,
        graph=GRAPH,
        trace=trace,
        when=when,
        where={"matrix": matrix},
        x=Column(field="grid"),
        y=Column(field="density", one_of="size"),
        paint=paint,
    )


def _stems(matrix: str, *, converged: bool) -> Binding:
    marker: dict[str, JsonValue] = {"size": 7, "line": {"width": 1.5}}
    said = "" if converged else ", not converged"
    return Binding(
        source=sources.EIGENVALUES,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "markers",
            "yaxis": "y2",
            "marker": marker,
            "error_y": {**STEM, "thickness": 1.25},
            "error_x": {"thickness": 1.25, "width": 3},
            "hovertemplate": f"%{{fullData.name}}, {NAMES[matrix]}{said}<br>"
            "λ = %{x:.4~g} ± %{error_x.array:.2~g}<extra></extra>",
        },
        when={MATRIX.name: (matrix, ALL)} if matrix == "hessian" else {MATRIX.name: (matrix,)},
        where={"matrix": matrix, "converged": converged},
        x=Column(field="values"),
        y=Column(field="values", spread=(0.92, 0.5)),
        error_x=Column(field="residuals"),
        paint={
            "marker.color": "color" if converged else "paper",
            "marker.line.color": "color",
            "marker.symbol": "symbol",
            "error_x.color": "color",
            "error_y.color": "color",
        },
    )


def bindings() -> tuple[Binding, ...]:
    """List the bindings, from the back to the front."""
    alone = [_density(matrix, {MATRIX.name: (matrix,)}, alone=True) for matrix in NAMES]
    together = [_density(matrix, {MATRIX.name: (ALL,)}, alone=False) for matrix in NAMES]
    stems = [_stems(matrix, converged=converged) for matrix in NAMES for converged in (True, False)]
    return (*alone, *together, *stems)


def graph() -> Graph:
    """Return the one graph; the stems have an axis of their own, which says nothing and is not shown."""
    return Graph(
        name=GRAPH,
        layout={
            "hovermode": "closest",
            "xaxis": {"title": {"text": "eigenvalue λ"}, "showgrid": False, "zeroline": True, "tickformat": "~g"},
            "yaxis": {"type": "log", "title": {"text": "density"}, "tickformat": "~g"},
            "yaxis2": {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True},
        },
        patches=(
            axes.scaled("linear", rangemode="tozero", zeroline=False),
            axes.scaled("log"),
            *axes.titled(MATRIX, TITLES, "xaxis"),
        ),
    )


def phrases() -> tuple[Phrase, ...]:
    """List what the line under the title says: which moment it is, what it stands on, and what is not sure."""
    density, stems = sources.SPECTRUM, sources.EIGENVALUES
    return (
        Phrase(source=density, text="step {step}"),
        Phrase(source=density, text="{size} eigenvalues"),
        Phrase(source=density, text="probes: {probes}, products: {products}"),
        Phrase(source=stems, where={"final": False}, text="largest eigenvalues converging"),
        Phrase(source=stems, where={"final": True, "converged": False}, text="not all eigenvalues converged"),
        *(
            Phrase(
                source=sources.TRACE,
                where={"matrix": matrix},
                text=f"step {{step}}: trace of {name} {{value}} ± {{stderr:short}}, probes: {{probes}}",
            )
            for matrix, name in NAMES.items()
        ),
        Phrase(
            source=sources.INDEX,
            text="step {step}: {value:percent} of the eigenvalues below {below:short}, standard error {stderr:short}",
        ),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="spectrum",
        title="Spectrum",
        words=Words(
            empty="Switch the spectrum on in the set-up and press Start: all curvatures of the loss are drawn here.",
            loading="Working out the first eigenvalues.",
            absent="This run told no density. Look at a step of it below, or switch the spectrum on in the set-up.",
            blank="This matrix was not asked for: switch “Beside” on in the spectrum's settings, or look at H.",
        ),
        docs=("analyses/spectrum", "analyses/top_eigenvalues", "analyses/trace", "analyses/index"),
        asked=("spectrum", "top_eigenvalues", "trace", "index"),
        look={"kind": "spectrum", "beside": True},
        sort=Sort(key="layer", label="Of which layer", whole="Whole network", title="Layer {value}"),
        choices=(MATRIX, SCALE),
        graphs=(graph(),),
        bindings=bindings(),
        phrases=phrases(),
    )
