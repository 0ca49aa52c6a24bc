"""How long and how: steps, batch, pace, seed, number format; the rest on demand."""

from collections.abc import Mapping
from typing import Any

from dash import html

from backend.schemas.run import TrainRequest
from frontend.components.node import Node
from frontend.components.section import details
from frontend.components.spec_form import spec_form

FIRST = ("steps", "batch_size", "pace", "seed")
MORE = ("dtype", "device", "eval_every", "repeats", "divergence", "snapshots", "tune", "name", "tags")


def run_form(request: Mapping[str, Any]) -> list[Node]:
    """Make the form of a run's own settings."""
    return [
        spec_form(TrainRequest, request, "", only=FIRST),
        html.Div(details("More settings", spec_form(TrainRequest, request, "", only=MORE)), className="after"),
    ]
