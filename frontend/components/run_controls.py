"""The bar above the panels: Start, pause, step, cancel, how far the runs are, and the legend of their lanes."""

import dash_mantine_components as dmc
from dash import dcc, html

from frontend import ids
from frontend.components.node import Node, aria, icon

POLL_MILLISECONDS = 500


def run_controls() -> Node:
    """Make the bar; what it says comes from the runs' own states, by ``assets/controls.js``."""
    return html.Div(
        [
            dmc.ActionIcon(
                icon("panel"),
                id=ids.SETUP_TOGGLE,
                variant="default",
                size="md",
                **aria(label="Show or hide the set-up", controls=ids.SETUP),
            ),
            dmc.Button("Start", id=ids.START, leftSection=icon("play"), size="xs"),
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
            html.Div("", id=ids.STATUS, className="status", role="status"),
            dmc.Progress(id=ids.PROGRESS, value=0, size=6, className="progress", **aria(label="Progress")),
            html.Div("", id=ids.PROGRESS_TEXT, className="progress-text"),
            dcc.Interval(id=ids.POLL, interval=POLL_MILLISECONDS, disabled=True),
        ],
        className="bar",
    )


def notice() -> Node:
    """Make the place where an error is told: what happened, and what to do."""
    return html.Div(id=ids.NOTICE, role="alert", className="notices")


def _action(name: str, name_of_icon: str, label: str) -> Node:
    return dmc.ActionIcon(icon(name_of_icon), id=name, variant="default", size="md", disabled=True, **aria(label=label))
