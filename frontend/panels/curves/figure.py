"""What the training curves draw.

A lane's evaluated training loss is a full line in its own line style; the test split is thinner, with hollow marks at
each evaluation; the loss of single batches lies faint behind. Of a lane with repeats the median is drawn, on an area
that holds the middle half of them. A diverged lane keeps its curve and ends in a cross. A
triangle marks the step at which a hyper-parameter was changed.
"""

from typing import Final

from backend.schemas.panels import Binding, Channel, Choice, Column, Graph, Option, Panel, Patch, Pick, Source, Words
from frontend.panels import axes, marks, sources

GRAPH: Final = "curves"
TITLES: Final = {
    "loss": "loss",
    "accuracy": "accuracy",
    "error": "relative L² error",
    "grad_norm": "gradient norm",
    "lr": "learning rate",
}
X_TITLES: Final = {"step": "step", "evaluations": "gradient evaluations", "seconds": "training time (s)"}

METRIC: Final = Choice(
    name="metric",
    label="What is drawn",
    options=(
        Option(value="loss", label="Loss"),
        Option(value="accuracy", label="Acc."),
        Option(value="error", label="Error"),
        Option(value="grad_norm", label="‖g‖"),
        Option(value="lr", label="LR"),
    ),
)
X: Final = Choice(
    name="x",
    label="Horizontal axis",
    options=(
        Option(value="step", label="Step"),
        Option(value="evaluations", label="Evals"),
        Option(value="seconds", label="Sec"),
    ),
)
SCALE: Final = axes.scale("log")


def _x(kind: str | None = None) -> Channel:
    """Return the horizontal axis: of rows of ``train_chunk`` itself, or looked up there (with ``kind``) by the step."""
    there = {name: Column(field=name, kind=kind) for name in ("evaluations", "seconds")}
    return Pick(choice=X.name, columns={"step": axes.STEP, **there})


AT_STEP: Final = _x("train_chunk")


def _evaluated(source: Source) -> tuple[Source, Channel, Channel]:
    metrics = Pick(choice=METRIC.name, columns={"loss": Column(field="loss"), "accuracy": Column(field="accuracy")})
    return source, AT_STEP, metrics


def _bands() -> tuple[Binding, ...]:
    """Draw races with repeats: the middle half of each lane's repeats as an area, their median as its line."""
    # The test split has a thin line and no area; the batches' band stands in where no split is evaluated (functions).
    drawn = []
    for source, beside in ((sources.BAND_BATCH, "eval"), (sources.BAND_TRAIN, None), (sources.BAND_TEST, None)):
        test = source is sources.BAND_TEST
        columns = {
            end: Pick(choice=METRIC.name, columns={name: Column(field=f"{name}{end}") for name in ("loss", "accuracy")})
            for end in ("", "_low", "_high")
        }
        median = Binding(
            source=source,
            graph=GRAPH,
            trace={"type": "scatter", "mode": "lines", "line": {"width": 1 if test else 2}},
            x=_x(),
            y=columns[""],
            hover=f"{{lane.title}}, median of {{repeats}} repeats{', test split' if test else ''} · {{x}}<br>{{y}}",
            paint=marks.LINE,
            hidden_beside=beside,
        )
        area = {
            "trace": {"type": "scatter", "mode": "lines", "line": {"width": 0}},
            "hover": None,
            "low": columns["_low"],
            "high": columns["_high"],
            "area": True,
            "paint": {"fillcolor": "tint"},
        }
        drawn += [median] if test else [median.model_copy(update=area), median]
    return tuple(drawn)


def bindings() -> tuple[Binding, ...]:
    """List the curves' bindings, from the back to the front."""
    train_source, train_x, train_y = _evaluated(sources.EVAL_TRAIN)
    test_source, test_x, test_y = _evaluated(sources.EVAL_TEST)
    batches = Binding(
        source=sources.TRAIN,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "lines",
            "line": {"width": 1.5},
            "hovertemplate": "%{fullData.name} · %{x}<br>%{y:.4~g}<extra></extra>",
        },
        x=_x(),
        y=Pick(choice=METRIC.name, columns={name: Column(field=name) for name in ("loss", "grad_norm", "lr")}),
        paint=marks.LINE,
        faint_beside="eval",
        hidden_beside="band",
    )
    moment = batches.model_copy(
        update={
            "rows": "now",
            "trace": {
                "type": "scatter",
                "mode": "markers",
                "marker": {"size": 8, "line": {"width": 1.5}},
                "hovertemplate": "%{fullData.name}, the step that is shown · %{x}<br>%{y:.4~g}<extra></extra>",
            },
            "paint": {**marks.MARK, "marker.line.color": "paper"},
            "faint_beside": None,
            "hidden_beside": None,
        }
    )
    train = Binding(
        source=train_source,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "lines",
            "line": {"width": 2},
            "hovertemplate": "%{fullData.name}, training split · %{x}<br>%{y:.4~g}<extra></extra>",
        },
        x=train_x,
        y=train_y,
        paint=marks.LINE,
        hidden_beside="band",
    )
    test = Binding(
        source=test_source,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "lines+markers",
            "line": {"width": 1},
            "marker": {"size": 5, "maxdisplayed": 24},
            "hovertemplate": "%{fullData.name}, test split · %{x}<br>%{y:.4~g}<extra></extra>",
        },
        x=test_x,
        y=test_y,
        paint={**marks.LINE, "marker.color": "color", "marker.symbol": "hollow"},
        hidden_beside="band",
    )
    diverged = marks.diverged(
        GRAPH,
        AT_STEP,
        Pick(
            choice=METRIC.name,
            columns={name: Column(field=name, kind="train_chunk", finite=True) for name in ("loss", "grad_norm", "lr")},
        ),
    )
    error = Binding(
        source=sources.FIT,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "lines",
            "line": {"width": 2},
            "hovertemplate": "%{fullData.name}, relative L² error · %{x}<br>%{y:.3~%}<extra></extra>",
        },
        x=train_x,
        y=Pick(choice=METRIC.name, columns={"error": Column(field="relative_l2")}),
        paint=marks.LINE,
    )
    changed = Binding(
        source=sources.CHANGED,
        graph=GRAPH,
        trace={
            "type": "scatter",
            "mode": "markers",
            "marker": {"symbol": "triangle-down", "size": 9, "line": {"width": 1}},
            "cliponaxis": False,
        },
        x=AT_STEP,
        y=Pick(
            choice=METRIC.name,
            columns={name: Column(field=name, kind="train_chunk", finite=True) for name in ("loss", "grad_norm", "lr")},
        ),
        hover="{lane.title}: {field} set to {value:number}<br>at step {step}",
        paint={"marker.color": "color", "marker.line.color": "ink"},
    )
    return *_bands(), batches, train, test, error, moment, changed, diverged


def graph() -> Graph:
    """Return the one graph, with what each choice changes of its axes."""
    patches = (
        *axes.titled(METRIC, TITLES),
        *axes.titled(X, X_TITLES, "xaxis"),
        axes.scaled("log"),
        Patch(
            when={METRIC.name: ("accuracy",)},
            layout={"yaxis": {"type": "linear", "tickformat": ".0%", "rangemode": "normal"}},
        ),
    )
    layout = {
        "hovermode": "closest",
        "xaxis": {"rangemode": "tozero", "showgrid": False, "zeroline": False},
        "yaxis": {"type": "linear", "zeroline": False, "tickformat": "~g"},
    }
    return Graph(name=GRAPH, layout=layout, cursor={X.name: ("step",)}, patches=patches)


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="curves",
        title="Training",
        docs=("analyses/train",),
        words=Words(
            empty="Press Start: each lane's loss is drawn here as it trains.",
            loading="Waiting for the first steps.",
            absent="This run did not train, so it has no curves. Open the run that it analysed beside it.",
            blank="Nothing of this is known here: classes have an accuracy, differential equations an error.",
        ),
        choices=(METRIC, X, SCALE),
        graphs=(graph(),),
        bindings=bindings(),
    )
