"""The bar above the panels: Start, pause, step, cancel, and how far the runs are.

What it says is written into it by ``assets/bar.js``, without Dash in between.
"""

import dash_mantine_components as dmc
from dash import html

from frontend import ids
from frontend.components.estimate_line import estimate_place
from frontend.components.node import Node, aria, icon


def run_controls() -> Node:
    """Make the bar, as it is before anything runs."""
    progress = html.Div(
        html.Span(),
        id=ids.PROGRESS,
        className="progress",
        role="progressbar",
        **aria(label="Progress", valuemin="0", valuemax="100", valuenow="0"),
    )
    return html.Div(
        [
            html.Button(
                icon("panel"),
                id=ids.SETUP_TOGGLE,
                className="tool",
                **aria(label="Show or hide the set-up", controls=ids.SETUP),
            ),
            dmc.Button("Start", id=ids.START, leftSection=icon("play"), size="xs"),
            estimate_place(),
            html.Div(
                [
                    _action(ids.PAUSE, "pause", "Pause"),
                    _action(ids.STEP, "step", "Take one step"),
                    _action(ids.CANCEL, "stop", "Cancel"),
                ],
                className="actions",
                role="group",
                **aria(label="Control the runs"),
            ),
            html.Div(id=ids.STATUS, className="status", role="status"),
            progress,
            html.Div(id=ids.PROGRESS_TEXT, className="progress-text"),
        ],
        className="bar",
    )


def notice() -> Node:
    """Make the place where an error is told: what happened, and what to do."""
    return html.Div(id=ids.NOTICE, role="alert", className="notices")


def _action(name: str, drawing: str, label: str) -> Node:
    return html.Button(icon(drawing), id=name, className="tool", disabled=True, **aria(label=label))
