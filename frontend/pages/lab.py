"""The Lab: choose a problem and its competitors on the left, watch them on the right."""

from collections.abc import Sequence

from dash import dcc, html

from backend.schemas.problem.custom import CustomEntry
from frontend import ids
from frontend.components.draft import Draft
from frontend.components.lane_list import add_lane, full, lane_list
from frontend.components.node import Node, aria
from frontend.components.preset_menu import preset_menu, preset_note
from frontend.components.probe_form import probe_form
from frontend.components.problem_form import problem_form
from frontend.components.run_controls import notice, run_controls
from frontend.components.run_form import run_form
from frontend.components.section import section
from frontend.components.timeline import timeline
from frontend.components.weights import weights_control
from frontend.panels.documentation import drawer
from frontend.panels.registry import PANELS
from frontend.panels.stream import stream_script
from frontend.preset import Preset
from frontend.presets import PRESETS


def layout(entries: Sequence[CustomEntry] = ()) -> Node:
    """Make the page, with the first preset already chosen: the first click can be Start.

    Args:
        entries: the problems of the user's own that the server has.

    Returns:
        The page.
    """
    chosen = PRESETS[0]
    draft = Draft.of(chosen.request, chosen.variants, chosen.choices, chosen.also)
    return html.Div(
        [
            dcc.Store(id=ids.DRAFT, data=draft.store()),
            dcc.Store(id=ids.DRAFT_FROM),
            dcc.Store(id=ids.PRESET, data=chosen.name),
            dcc.Store(id=ids.ERRORS),
            dcc.Store(id=ids.BRANCH),
            dcc.Store(id=ids.BRANCHED),
            stream_script(),
            _setup(draft, chosen, entries),
            html.Div(
                [
                    run_controls(),
                    notice(),
                    html.Ul(id=ids.MEMBERS, className="members", hidden=True, **aria(label="Runs in this view")),
                    html.Div(
                        [_grid(), *[view.layout() for view in PANELS if view.panel.tabular]],
                        id=ids.PANELS,
                        className="panels",
                    ),
                    timeline(),
                ],
                className="stage",
            ),
            drawer(),
        ],
        id=ids.LAB,
        className="lab",
    )


def _grid() -> Node:
    """Lay the pictures out; how many there are is the view's business, and the style sheet fits them in."""
    return html.Div([view.layout() for view in PANELS if not view.panel.tabular], className="panel-grid")


def _setup(draft: Draft, chosen: Preset, entries: Sequence[CustomEntry]) -> Node:
    request = draft.request
    return html.Aside(
        [
            html.Div(
                [preset_menu(), html.Div(preset_note(chosen, draft.variants), id=ids.PRESET_NOTE, className="note")],
                className="section",
            ),
            section(
                "Problem",
                html.Div(problem_form(request["problem"], entries), id=ids.PROBLEM_FORM),
                html.Div(weights_control(), className="after"),
            ),
            section(
                "Lanes",
                html.Div(lane_list(request["lanes"], request["steps"]), id=ids.LANES_FORM, className="lanes"),
                add_lane(disabled=full(request["lanes"])),
                html.P(
                    "While its race runs, a learning rate, momentum or weight decay changed here takes effect at once.",
                    className="dim small after",
                ),
            ),
            section("Run", html.Div(run_form(request), id=ids.RUN_FORM)),
            section("Probes", html.Div(probe_form(draft), id=ids.PROBES_FORM)),
        ],
        id=ids.SETUP,
        className="setup",
        **aria(label="Set-up"),
    )
