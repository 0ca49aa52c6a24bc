"""What the standings show: every lane's rank at equal steps, equal gradient evaluations and equal seconds."""

from typing import Final

from backend.schemas.panels import Choice, Measure, Option, Panel, Standings, Words
from frontend.panels import sources

MEASURE: Final = Choice(
    name="measure",
    label="What the lanes are ranked by",
    options=(
        Option(value="loss", label="Train loss"),
        Option(value="test_loss", label="Test loss"),
        Option(value="accuracy", label="Test acc."),
    ),
)
BY: Final = Choice(
    name="by",
    label="What all have spent equally",
    options=(
        Option(value="step", label="Steps"),
        Option(value="evaluations", label="Evals"),
        Option(value="seconds", label="Sec"),
    ),
)
BUDGETS: Final = {"step": "steps", "evaluations": "gradient evaluations", "seconds": "seconds of training"}


def standings() -> Standings:
    """Return what is ranked, and at equal what."""
    return Standings(
        by=BY.name,
        measure=MEASURE.name,
        rows=sources.TRAIN,
        budgets=BUDGETS,
        measures={
            # A function has no splits: its loss is that of its rows, an equation's that of its fixed points.
            "loss": Measure(
                sources=(sources.EVAL_TRAIN, sources.FIT, sources.TRAIN), field="loss", title="training loss"
            ),
            "test_loss": Measure(sources=(sources.EVAL_TEST,), field="loss", title="test loss"),
            "accuracy": Measure(
                sources=(sources.EVAL_TEST,), field="accuracy", title="test accuracy", format="percent", more=True
            ),
        },
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="standings",
        title="Standings",
        docs=("analyses/standings",),
        words=Words(
            empty="Press Start: once the lanes have spent something, they are ranked here.",
            loading="Waiting for the first steps.",
            absent="These runs have no lanes, so there is nobody to rank.",
        ),
        choices=(MEASURE, BY),
        standings=standings(),
    )


def final() -> Panel:
    """Describe the panel as it is for stored runs: a single lane has final figures, too."""
    usual = panel()
    ranked = None if usual.standings is None else usual.standings.model_copy(update={"least": 1})
    return usual.model_copy(update={"title": "Final figures", "standings": ranked})
