"""What the solution of an equation draws: a section of every lane's, or a map of one lane's.

A section comes with every evaluation of a race. A map, of equations of two coordinates or more, is asked for: as an
analysis that runs along, or of a kept moment.
"""

from typing import Final

from pydantic import JsonValue

from backend.schemas.panels import (
    Binding,
    Choice,
    Column,
    Graph,
    Option,
    Page,
    Panel,
    Patch,
    Phrase,
    Pick,
    Source,
    Words,
)
from frontend import theme
from frontend.panels import sources

SECTION: Final = "solution-section"
MAP: Final = "solution-map"

VIEW: Final = Choice(
    name="view",
    label="What of the domain is shown",
    options=(Option(value="section", label="Section"), Option(value="map", label="Map")),
)
WHAT: Final = Choice(
    name="what",
    label="Which function is shown",
    options=(
        Option(value="fitted", label="Fitted"),
        Option(value="exact", label="Exact"),
        Option(value="error", label="Error"),
    ),
)
ERROR: Final = {WHAT.name: ("error",)}
COLOURS: Final[dict[str, JsonValue]] = {
    "colorscale": theme.SEQUENTIAL,
    "colorbar": {"thickness": 10, "outlinewidth": 0, "len": 0.96, "xpad": 4, "ypad": 0, "tickformat": "~g"},
}


def _section(source: Source) -> tuple[Binding, ...]:
    """List the curves of one kind of event, from the back to the front."""
    line = {
        "type": "scatter",
        "mode": "lines",
        "hovertemplate": "s = %{x:.3~g}<br>%{y:.4~g}<extra>%{fullData.name}</extra>",
    }
    exact = Binding(
        source=source,
        graph=SECTION,
        when={WHAT.name: ("fitted", "exact")},
        trace={**line, "line": {"width": 4}, "opacity": 0.35},
        x=Column(field="s"),
        y=Column(field="exact"),
        name="exact",
        paint={"line.color": "ink"},
    )
    fitted = Binding(
        source=source,
        graph=SECTION,
        trace={"type": "scatter", "mode": "lines", "line": {"width": 2}},
        x=Column(field="s"),
        y=Pick(choice=WHAT.name, columns={"fitted": Column(field="u"), "error": Column(field="error")}),
        hover="{lane.title} · step {step}<br>{y} at s = {x}<br>relative L² error {relative_l2}",
        paint={"line.color": "color", "line.dash": "dash"},
    )
    return exact, fitted


def bindings() -> tuple[Binding, ...]:
    """List the bindings, from the back to the front."""
    chart = Binding(
        source=sources.SOLUTION,
        graph=MAP,
        trace={"type": "heatmap", "coloraxis": "coloraxis", "hoverongaps": False},
        x=Column(field="x"),
        y=Column(field="y"),
        z=Pick(
            choice=WHAT.name,
            columns={
                what: Column(field=f"{field}_map", transpose=True)
                for what, field in (("fitted", "u"), ("exact", "exact"), ("error", "error"))
            },
        ),
        hover="{x_label} = {x}<br>{y_label} = {y}<br>{z}",
    )
    return *_section(sources.FIT_SECTION), *_section(sources.SOLUTION), chart


def graphs() -> tuple[Graph, Graph]:
    """Return the section and the map."""
    section = Graph(
        name=SECTION,
        when={VIEW.name: ("section",)},
        layout={
            "hovermode": "closest",
            "xaxis": {"title": {"text": "s, along the section"}, "showgrid": False, "zeroline": False},
            "yaxis": {"title": {"text": "u"}, "tickformat": "~g"},
        },
        patches=(
            Patch(when={WHAT.name: ("exact",)}, layout={"yaxis": {"title": {"text": "exact u"}}}),
            Patch(when=ERROR, layout={"yaxis": {"title": {"text": "u − exact u"}, "exponentformat": "power"}}),
        ),
    )
    chart = Graph(
        name=MAP,
        when={VIEW.name: ("map",)},
        layout={
            "hovermode": "closest",
            "coloraxis": COLOURS,
            "xaxis": {"zeroline": False, "showgrid": False, "constrain": "domain"},
            "yaxis": {"zeroline": False, "showgrid": False},
        },
        patches=(Patch(when=ERROR, layout={"coloraxis": {"colorscale": "RdBu", "cmid": 0}}),),
        page=Page(
            source=sources.SOLUTION,
            field="lane",
            series=("lane", "repeat", "point"),
            label="{lane}",
            needs=("solution",),
            title="Lane",
        ),
        titles={"xaxis": "x_label", "yaxis": "y_label"},
    )
    return section, chart


def phrases() -> tuple[Phrase, ...]:
    """List what the line under the title says."""
    fit = sources.FIT_SECTION
    return (
        Phrase(source=fit, text="step {step}"),
        Phrase(source=fit, text="{section}"),
        Phrase(source=fit, text="relative L² error up to {relative_l2:max}"),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="solution",
        title="Solution",
        docs=("analyses/solution",),
        words=Words(
            empty="Choose an equation in the set-up and press Start: what is fitted is drawn beside its solution.",
            loading="Waiting for the first evaluation.",
            absent="This run solves no differential equation. Choose one in the set-up, under Equation.",
            blank="There is no map: an equation of one coordinate has a section alone; for others switch “Solution” on "
            "in the set-up, or look at a step below.",
        ),
        asked=("solution", "pde"),
        look={"kind": "solution"},
        look_needs="pde",
        choices=(VIEW, WHAT),
        graphs=graphs(),
        bindings=bindings(),
        phrases=phrases(),
    )
