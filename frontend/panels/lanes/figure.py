"""What the table of lanes shows."""

from backend.schemas.panels import Cell, Panel, Phrase, Words
from frontend.panels import sources


def cells() -> tuple[Cell, ...]:
    """List the table's columns; a column without a value in any row is not shown."""
    return (
        Cell(title="Lane", phrases=(Phrase(text="{lane.title}"),)),
        Cell(title="Rule", phrases=(Phrase(text="{lane.optimizer.kind}"),)),
        Cell(title="Step", numeric=True, phrases=(Phrase(source=sources.TRAIN, text="{step}"),)),
        Cell(title="Loss", numeric=True, phrases=(Phrase(source=sources.TRAIN, text="{loss}"),)),
        Cell(title="Train acc.", numeric=True, phrases=(Phrase(source=sources.EVAL_TRAIN, text="{accuracy:percent}"),)),
        Cell(title="Test acc.", numeric=True, phrases=(Phrase(source=sources.EVAL_TEST, text="{accuracy:percent}"),)),
        Cell(title="LR", numeric=True, phrases=(Phrase(source=sources.TRAIN, text="{lr}"),)),
        Cell(
            title="State",
            phrases=(
                Phrase(source=sources.DIVERGED, text="diverged at step {step}"),
                Phrase(source=sources.ENDED, text="{reason}"),
                Phrase(where={"past": True}, text="training"),
                Phrase(where={"run.paused": True}, text="paused"),
                Phrase(text="{run.status}"),
            ),
        ),
    )


def panel() -> Panel:
    """Describe the whole panel."""
    return Panel(
        name="lanes",
        title="Lanes",
        docs=("analyses/train",),
        words=Words(
            empty="Press Start: each lane's latest numbers stand here.",
            loading="Waiting for the lanes.",
            absent="This run has no lanes of its own.",
        ),
        cells=cells(),
    )
