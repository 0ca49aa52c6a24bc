"""What the saliency draws: a row of examples, and below it a row of maps for each method.

Colours of maps end at the 99th percentile of their sizes, and where that is stands beside each row: a few pixels
are much larger than all others, and would leave the rest blank.
"""

from typing import Final

from backend.schemas.analysis.saliency import METHOD_TITLES
from backend.schemas.panels import Binding, Choice, Column, Graph, Option, Page, Panel, Phrase, Tiles, Words
from frontend.panels import sources

GRAPH: Final = "saliency"
INPUT: Final = "saliency_example"
TITLES: Final[dict[str, str]] = {INPUT: "Input", **METHOD_TITLES}
MAPS: Final[dict[str, str]] = {**METHOD_TITLES, "random": "Random map"}  # by an event's ``method``

SCALE: Final = Choice(
    name="scale",
    label="Over what the colours are shared",
    options=(
        Option(value="row", label="Per method"),
        Option(value="time", label="Over time"),
        Option(value="map", label="Per map"),
    ),
)


def bindings() -> tuple[Binding, ...]:
    """List the bindings: the examples, told apart by whether they are recognised, then the maps."""
    return (
        _inputs("{example}", correct=None),
        _inputs("{label} ✓", correct=True),
        _inputs("{label} ✗ {predicted}", correct=False),
        Binding(
            source=sources.MAPS,
            graph=GRAPH,
            trace={"type": "heatmap"},
            x=Column(field="example"),
            y=Column(field="method"),
            z=Column(field="map"),
            name="{method}",
            hover="logit {target}",
        ),
    )


def _inputs(label: str, *, correct: bool | None) -> Binding:
    return Binding(
        source=sources.EXAMPLES,
        graph=GRAPH,
        trace={"type": "heatmap"},
        where={} if correct is None else {"correct": correct},
        x=Column(field="example"),
        y=Column(field="kind"),
        z=Column(field="input"),
        name="{example}",
        label=label,
        hover="example {example} of the {split} split · logit {target}: {logit}",
    )


def graph() -> Graph:
    """Return the grid: one page for each lane."""
    return Graph(
        name=GRAPH,
        layout={"hovermode": "closest"},
        page=Page(
            source=sources.EXAMPLES, field="lane", series=("lane",), label="{lane.title}",
            needs=("saliency_map",),
        ),
        tiles=Tiles(
            titles=TITLES,
            plain=(INPUT,),
            signed="signed",
            common=SCALE.name,
            notes=(
                Phrase(text="softmax as published: any class's map", where={"weighting": "softmax"}),
                Phrase(text="", where={"samples": 1}),
                Phrase(text="{samples} samples"),
            ),
            places={"frequency_integrated_gradients": "periods"},
        ),
    )  # fmt: skip


def phrases() -> tuple[Phrase, ...]:
    """List what the line under the title says: which moment it is, which logit is explained, where colours end."""
    return (
        Phrase(source=sources.MAPS, text="step {step}"),
        Phrase(source=sources.EXAMPLES, where={"own": True}, text="own class explained, ✗ says what is read instead"),
        Phrase(source=sources.EXAMPLES, where={"own": False}, text="class {target} explained"),
        Phrase(source=sources.MAPS, text="colours end at the 99th percentile"),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="saliency",
        title="Saliency",
        words=Words(
            empty="Switch saliency on in the set-up and press Start: which pixels a class hangs on is drawn here.",
            loading="Explaining the first examples.",
            absent="This run explained no examples. Look at a step of it below, or switch saliency on in the set-up.",
            blank="Nothing was explained at this step yet: press Explain, or Look below.",
        ),
        docs=("analyses/saliency",),
        asked="saliency",
        look={"kind": "saliency", "compare": ["smoothgrad", "integrated_gradients"]},
        choices=(SCALE,),
        graphs=(graph(),),
        bindings=bindings(),
        phrases=phrases(),
    )
