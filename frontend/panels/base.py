"""What all panels share: a panel as an object of the page, and its frame.

Graphs are plain elements that ``stream.js`` draws into with the Plotly that Dash serves, and not ``dcc.Graph``: Dash
then never redraws one from its own copy of the figure, each has one owner, and an exported page needs no Dash at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
from dash import html

from backend.schemas.panels import Choice, Panel
from frontend import ids
from frontend.components.node import Node, aria
from frontend.panels.tools import saving, strip


@dataclass(frozen=True)
class PanelView:
    """A panel of the page: what it draws, and how it is laid out."""

    panel: Panel
    layout: Callable[[], Node]


def data(**attributes: str) -> dict[str, Any]:
    """Return what ``stream.js`` finds elements by: ``data(panel="curves")`` is ``{"data-panel": "curves"}``."""
    return {f"data-{name}": value for name, value in attributes.items()}


def choice_key(panel: str, choice: str) -> str:
    """Name a panel's choice as the view and the address do."""
    return f"{panel}.{choice}"


def control(panel: Panel, choice: Choice) -> Node:
    """Make the control of a choice; its value belongs to the view."""
    return dmc.SegmentedControl(
        id=ids.choice(choice_key(panel.name, choice.name)),
        data=[{"value": option.value, "label": option.label} for option in choice.options],
        value=choice.options[0].value,
        size="xs",
        className="gs-choice",
        **aria(label=choice.label),
    )


def frame(panel: Panel, body: list[Node], tools: Sequence[Node] = (), strips: Sequence[Node] = ()) -> Node:
    """Put a panel's title, controls, line of text, states and full-screen button around its body.

    Args:
        panel: what it draws.
        body: the elements that it draws into.
        tools: buttons of what can be done with it, beside the title.
        strips: the rows of controls that these open.

    Returns:
        The panel's components.
    """
    title_id = f"panel-{panel.name}"
    controls = [control(panel, choice) for choice in panel.choices]
    series: list[Node] = []
    pages = [graph.page for graph in panel.graphs if graph.page is not None]
    if pages:
        title = "Lane" if pages[0].field == "lane" else pages[0].title
        series = [html.Select(hidden=True, className="gs-series", **data(series=""), **aria(label=title))]
    if panel.sort is not None:
        select = html.Select(hidden=True, className="gs-series", **data(sort=""), **aria(label=panel.sort.label))
        series = [*series, select]
    wide = html.Button(
        html.Span(className="gs-expand", **aria(hidden="true")),
        className="gs-icon",
        type="button",
        title="Fill the screen (Esc: back)",
        **data(fullscreen=""),
        **aria(label=f"Let {panel.title} fill the screen"),
    )
    drawn = bool(panel.graphs) or panel.standings is not None
    explained = html.Button(
        "?",
        id=ids.panel_docs(panel.name),
        className="gs-docs",
        type="button",
        title="What it shows, and what that means",
        **aria(label=f"About {panel.title}"),
    )
    heading = html.Div([html.H2(panel.title, id=title_id), explained], className="gs-title")
    return html.Section(
        [
            html.Header(
                [
                    heading,
                    html.Div([*tools], className="gs-tools"),
                    html.Div([*series, *controls], className="gs-controls"),
                    *([saving(panel.title)] if drawn else []),
                    wide,
                ],
                className="gs-panel-head",
            ),
            *strips,
            *([strip("save", f"Save {panel.title}")] if drawn else []),
            html.P(className="gs-line", **data(line="")),
            html.Div(
                [*body, html.P(panel.words.empty, className="gs-words", role="status", **data(words=""))],
                className="gs-panel-body",
            ),
            html.Script(panel.encode(), type="application/json"),
        ],
        className=f"gs-panel gs-panel-{panel.name}",
        hidden=panel.asked is not None or panel.standings is not None,
        **data(panel=panel.name, state="empty"),
        **aria(labelledby=title_id),
    )


def graph(name: str, description: str) -> Node:
    """Make the element that a graph is drawn into."""
    return html.Div(className="gs-graph", role="figure", **data(graph=name), **aria(label=description))
