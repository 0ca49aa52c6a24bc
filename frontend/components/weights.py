"""Where a race starts: at its own initial point, or from a file of weights; what of the file fits is told below."""

from collections.abc import Iterable
from typing import Any

import dash_mantine_components as dmc
from dash import dcc, html

from backend.schemas.snapshot import CheckpointMatch
from frontend import ids
from frontend.components.node import Node, aria
from frontend.components.section import details
from frontend.components.spec_form import COMBOBOX

OWN = "The initial point, drawn from the seed"
SHOWN = 6  # names of a list; more are counted


def weights_control() -> Node:
    """Make the choice of a file, the button that sends one, and the place of the report."""
    return details(
        "Start from weights",
        html.Div(
            [
                dcc.Store(id=ids.WEIGHTS_SENT),
                dmc.Select(
                    id=ids.WEIGHTS, label="Start from", placeholder=OWN, data=[], clearable=True, size="xs",
                    comboboxProps=COMBOBOX,
                ),
                dmc.Button("Choose a file …", id=ids.WEIGHTS_CHOOSE, variant="default", size="xs", fullWidth=True),
                html.P("Safetensors, or a state dict of PyTorch; read as numbers, never run.", className="dim small"),
                html.Div(id=ids.WEIGHTS_SAID, role="status", className="weights-said", **aria(live="polite")),
            ],
            className="stack",
        ),
    )  # fmt: skip


def choices(names: Iterable[str]) -> list[dict[str, str]]:
    """Write the names of files for the choice."""
    return [{"value": name, "label": name} for name in names]


def sent_line(sent: Any) -> Node | None:
    """Say how the sending of a file goes; None where there is nothing to say of it."""
    if sent and sent.get("refused"):
        return html.Div(sent["refused"], className="weights-wrong")
    if sent and sent.get("sending"):
        return html.Div(f"Sending {sent['sending']} …", className="dim")
    return None


def match_report(match: CheckpointMatch) -> list[Node]:
    """Say what of a file fits the problem, by name and shape."""
    if match.fits is None:
        return [html.Div("Whether it fits is seen when the run begins: the problem is one of your own.")]
    head = f"{match.fitting} of the problem's {match.wanted} tensors match by name and shape"
    parts: list[Node] = [
        html.Div(f"✓ {head}: it fits.", className="weights-right")
        if match.fits
        else html.Div(f"✕ {head}: a run from it would fail.", className="weights-wrong")
    ]
    lists = (("Missing", match.missing), ("Of another shape", match.other), ("Not used", match.unused))
    return parts + [html.Div(f"{said}: {_listed(names)}", className="small") for said, names in lists if names]


def _listed(names: tuple[str, ...]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
