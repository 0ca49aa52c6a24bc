"""What the conflict draws: how the classes' gradients lie to each other, and what combined steps do for each class."""

from typing import Final

from pydantic import JsonValue

from backend.schemas.panels import Binding, Choice, Column, Graph, Option, Page, Panel, Phrase, Source, Words
from frontend.panels import sources

MATRIX: Final = "conflict"
STEPS: Final = "conflict_steps"
WHAT: Final = Choice(
    name="what",
    label="What of the classes",
    options=(
        Option(value="classes", label="Classes"),
        Option(value="examples", label="Examples"),
        Option(value="lengths", label="Lengths"),
        Option(value="steps", label="Steps"),
    ),
)
CLASS: Final[dict[str, JsonValue]] = {
    "type": "category",
    "showgrid": False,
    "title": {"text": "class"},
    "ticks": "",
    "dtick": 1,
}
COMBINED: Final = {  # field → what it is called, colour and symbol
    "mean": ("mean gradient", "#D55E00", "circle"),
    "pcgrad": ("PCGrad", "#56B4E9", "diamond"),
    "upgrad": ("UPGrad", "#009E73", "square"),
}


def _matrix(value: str, source: Source, names: str, field: str, said: str) -> Binding:
    return Binding(
        source=source,
        graph=MATRIX,
        when={WHAT.name: (value,)},
        trace={"type": "heatmap", "hovertemplate": f"%{{y}} and %{{x}}<br>{said} %{{text}}<extra></extra>"},
        x=Column(field=names),
        y=Column(field=names),
        z=Column(field=field),
        name=value,
    )


def _steps(field: str) -> Binding:
    name, colour, symbol = COMBINED[field]
    return Binding(
        source=sources.CONFLICT,
        graph=STEPS,
        trace={
            "type": "scatter",
            "mode": "markers",
            "marker": {"size": 9, "color": colour, "symbol": symbol},
            "hovertemplate": "class %{x}, %{fullData.name}<br>cosine %{y:.3~g}<extra></extra>",
        },
        x=Column(field="task"),
        y=Column(field=field),
        name=name,
    )


def graphs() -> tuple[Graph, ...]:
    """List the matrix and the steps, of which one is shown."""
    page = Page(source=sources.CONFLICT, field="lane", series=("lane",), label="{lane.title}", needs=("conflict",))
    matrix = Graph(
        name=MATRIX,
        when={WHAT.name: ("classes", "examples", "lengths")},
        layout={
            "hovermode": "closest",
            "xaxis": {**CLASS, "constrain": "domain"},
            "yaxis": {**CLASS, "categoryorder": "category descending", "scaleanchor": "x", "constrain": "domain"},
        },
        page=page,
        shade=True,
    )
    steps = Graph(
        name=STEPS,
        when={WHAT.name: ("steps",)},
        layout={
            "hovermode": "closest",
            "xaxis": CLASS,
            "yaxis": {"title": {"text": "cosine with its own"}, "zeroline": True, "zerolinewidth": 2},
            "showlegend": True,
            "legend": {"orientation": "h", "y": 1.0, "yanchor": "bottom", "x": 0},
            "margin": {"t": 28},
        },
        page=page,
    )
    return matrix, steps


def phrases() -> tuple[Phrase, ...]:
    """List what the line under the title says."""
    return (
        Phrase(source=sources.CONFLICT, text="step {step}"),
        Phrase(source=sources.CONFLICT, text="{conflicting:share} of the pairs of classes conflict"),
        Phrase(source=sources.CONFLICT, text="{examples} examples"),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="conflict",
        title="Class conflict",
        words=Words(
            empty="Ask for conflict among the gradient statistics and press Start: which classes pull apart is drawn.",
            loading="Taking the gradients of single examples.",
            absent="This run told no conflict. Look at a step of it below, or ask for it in the set-up.",
            blank="This was not asked for: add class_cosine to the statistics, or look at the classes.",
        ),
        docs=("analyses/gradient_stats",),
        asked="gradient_stats",
        asked_with={"statistics": ("conflict",)},
        look={"kind": "gradient_stats", "statistics": ["conflict", "class_cosine"]},
        choices=(WHAT,),
        graphs=graphs(),
        bindings=(
            _matrix("classes", sources.CONFLICT, "task", "cosine", "cosine of their gradients"),
            _matrix("examples", sources.CLASS_COSINE, "layer", "values", "mean cosine of their examples' gradients"),
            _matrix("lengths", sources.CONFLICT, "task", "magnitude", "likeness of their gradients' lengths"),
            *(_steps(field) for field in COMBINED),
        ),
        phrases=phrases(),
    )
