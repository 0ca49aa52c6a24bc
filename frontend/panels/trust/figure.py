"""What Trust shows: a table of questions by methods, and the curves that some answers are made of."""

from typing import Final

from pydantic import JsonValue

from backend.schemas.analysis.saliency_trust import QUESTIONS
from backend.schemas.matrix import Matrix, Question
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
    Words,
)
from frontend.panels import sources
from frontend.panels.saliency.figure import MAPS

TABLE: Final = "answers"
CURVES: Final = "answer_curves"
ASKED: Final = {
    "refused": Question(title="Left out", hint="Why this network cannot be asked by this method."),
    "weights": Question(
        title="Does it change when the weights are redrawn?",
        hint="Rank correlation of the map with that of a redrawn network: 1 ignores what was learned.",
    ),
    "class": Question(
        title="Does it depend on the class?",
        hint="Correlation with the map of another class: 1 is blind to the class.",
    ),
    "deletion": Question(
        title="Does removing its pixels hurt?",
        hint="Mean probability of the class while its top pixels are removed: lower than for random maps is good.",
    ),
    "insertion": Question(
        title="Do its pixels alone suffice?",
        hint="Mean probability of the class while its top pixels are shown: higher than for random maps is good.",
    ),
    "completeness": Question(
        title="Does it add up to the logit?",
        hint="What its sum misses of the logit's change from the baseline, as a share.",
    ),
    "infidelity": Question(
        title="Does it foretell small changes?",
        hint="Error of the change that the map foretells, as a share: 1 foretells nothing.",
    ),
    "sensitivity": Question(
        title="Is it steady when the input moves a little?",
        hint="Largest relative change of the map under small changes of the input.",
    ),
    "signal": Question(
        title="Does it lie on the signal?",
        hint="Share of the map that lies where the signal is known to be.",
    ),
    "retraining": Question(
        title="Are its pixels worth more to a new network?",
        hint="DiffROAR: accuracy retrained on its top pixels, less that on its bottom pixels.",
    ),
}
assert set(ASKED) == {"refused", *QUESTIONS}

VIEW: Final = Choice(
    name="view",
    label="What is shown",
    options=(
        Option(value="answers", label="Answers"),
        Option(value="deletion", label="Removing"),
        Option(value="insertion", label="Showing"),
        Option(value="weights", label="Redrawing"),
    ),
)
LINES: Final = ("deletion", "insertion", "weights")


def bindings() -> tuple[Binding, ...]:
    """List the bindings: the cells of the table, then the lines of each curve, random maps dotted."""
    cells = Binding(
        source=sources.TRUST,
        graph=TABLE,
        trace={"type": "table"},
        x=Column(field="method"),
        y=Column(field="question"),
        label="{value:short}",
        hover="{value} ± {stderr} over {examples} examples · random maps {baseline}",
    )
    return (cells, *(_line(question, random=random) for question in LINES for random in (True, False)))


def _line(question: str, *, random: bool) -> Binding:
    """Draw an answer's curve; random maps come first, so that they lie behind."""
    return Binding(
        source=sources.TRUST,
        graph=CURVES,
        when={VIEW.name: (question,)},
        where={"question": question, "random": random},
        trace={
            "type": "scatter",
            "mode": "lines" if random else "lines+markers",
            "line": {"width": 2, "dash": "dot" if random else "solid"},
            "marker": {"size": 5},
            "hovertemplate": "%{fullData.name}: %{y:.3~g} at %{x:.3~g}<extra></extra>",
        },
        x=Column(field="x"),
        y=Column(field="y"),
        name="{method:method}",
        paint={"line.color": "muted"} if random else {},
    )


def graphs() -> tuple[Graph, Graph]:
    """Return the table and the curves, a page for each lane."""
    page = Page(source=sources.TRUST, field="lane", series=("lane",), label="{lane.title}", needs=("trust",))
    table = Graph(
        name=TABLE,
        layout={"hovermode": "closest"},
        when={VIEW.name: ("answers",)},
        page=page,
        matrix=Matrix(
            rows=ASKED,
            columns=MAPS,
            mark="verdict",
            marks={"yes": "✓", "partly": "~", "no": "✗"},
            note="note",
        ),
    )
    curves = Graph(
        name=CURVES,
        when={VIEW.name: LINES},
        page=page,
        layout={
            "hovermode": "closest",
            "showlegend": True,
            "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0, "font": {"size": 11}},
            "margin": {"t": 44},
            "xaxis": {"zeroline": False, "showgrid": False, "tickformat": "~g"},
            "yaxis": {"zeroline": False, "tickformat": "~g"},
        },
        patches=(
            _patch("deletion", "share of pixels removed, the largest of the map first", "probability of the class"),
            _patch("insertion", "share of pixels shown, the largest of the map first", "probability of the class"),
            _patch("weights", "layers redrawn, from the top", "rank correlation with its own map"),
        ),
    )
    return table, curves


def _patch(question: str, x: str, y: str) -> Patch:
    axis: dict[str, JsonValue] = {"dtick": 1} if question == "weights" else {}
    return Patch(
        when={VIEW.name: (question,)},
        layout={"xaxis": {"title": {"text": x}, **axis}, "yaxis": {"title": {"text": y}}},
    )


def phrases() -> tuple[Phrase, ...]:
    """List what the line under the title says: the moment, on how many examples, and what marks mean."""
    return (
        Phrase(source=sources.TRUST, text="step {step}"),
        Phrase(source=sources.TRUST, text="{examples} examples"),
        Phrase(source=sources.TRUST, text="point at a question or number to read it"),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="trust",
        title="Trust",
        words=Words(
            empty="Press “Can I believe this?” at maps of saliency: which of them can be believed is told here.",
            loading="Asking the first question.",
            absent="Nothing was asked of this run's maps. Press “Can I believe this?” at maps, or Look below.",
            blank="No answers here: the maps of this step were not asked, or not this question.",
        ),
        docs=("analyses/saliency_trust",),
        asked="saliency_trust",
        look={"kind": "saliency_trust"},
        choices=(VIEW,),
        graphs=graphs(),
        bindings=bindings(),
        phrases=phrases(),
    )
