"""The Compare page: stored and running races over one another. ``assets/compare.js`` knows its buttons."""

from dash import html

from frontend import ids
from frontend.components.node import Node, aria
from frontend.components.run_controls import notice
from frontend.components.timeline import timeline
from frontend.panels.base import PanelView
from frontend.panels.documentation import drawer
from frontend.panels.landscape import layout as landscape
from frontend.panels.registry import PANELS
from frontend.panels.standings import layout as standings
from frontend.panels.stream import stream_script

OWN = {"landscape": landscape.comparison, "standings": standings.comparison}
FIRST = ("curves", "landscape")
LEFT_OUT = ("lanes",)  # the standings are the legend here, and a lane is forked in the Lab


def layout() -> Node:
    """Make the page, as it is before a run is chosen."""
    shown = sorted((view for view in PANELS if view.panel.name not in LEFT_OUT), key=_place)
    pictures, tables = ([view for view in shown if view.panel.tabular is table] for table in (False, True))
    grid = html.Div([OWN.get(view.panel.name, view.layout)() for view in pictures], className="panel-grid")
    return html.Div(
        [
            stream_script(),
            _bar(),
            notice(),
            html.Ul(id=ids.MEMBERS, className="members", hidden=True, **aria(label="Runs that are compared")),
            _empty(),
            html.Div(
                [grid, *[OWN.get(view.panel.name, view.layout)() for view in tables]], id=ids.PANELS, className="panels"
            ),
            timeline(),
            drawer(),
        ],
        id=ids.COMPARE,
        className="compare",
    )


def _place(view: PanelView) -> int:
    return FIRST.index(view.panel.name) if view.panel.name in FIRST else len(FIRST)


def _bar() -> Node:
    return html.Div(
        [
            html.H1("Compare"),
            html.Span(id=ids.COMPARE_COUNT, className="dim", role="status"),
            html.Select(id=ids.COMPARE_ADD, className="compare-add push", **aria(label="Add a run")),
            html.Button(
                "Shared plane",
                id=ids.COMPARE_PLANE,
                type="button",
                className="gs-do",
                disabled=True,
                title="Lay one plane through the paths of all lanes that did not diverge, and draw the loss on it",
            ),
            html.A("All runs", href="/runs", className="small"),
        ],
        className="bar",
    )


def _empty() -> Node:
    return html.Div(
        [
            html.P("Nothing is compared yet."),
            html.P(
                [
                    "Tick runs on the ",
                    html.A("Runs", href="/runs"),
                    " page and press Compare, or add one above. Runs may differ in length, rule and seed; "
                    "they may still be running.",
                ],
                className="dim",
            ),
        ],
        id=ids.COMPARE_EMPTY,
        className="empty",
        hidden=True,
    )
