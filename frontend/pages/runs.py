"""The Runs page: every stored run; rename, open in the Lab, compare, resume, delete. ``assets/runs.js`` does it."""

from typing import Any

import dash_ag_grid as dag
import dash_mantine_components as dmc
from dash import dcc, html

from frontend import ids
from frontend.components.node import Node, aria

REFRESH_MILLISECONDS = 1000
# The grid takes its colours from the page's own variables, so that it is light and dark with the page.
THEME = (
    "themeQuartz.withParams({backgroundColor: 'var(--ground)', foregroundColor: 'var(--text)', "
    "borderColor: 'var(--line)', accentColor: 'var(--accent)', headerBackgroundColor: 'var(--page)', "
    "fontFamily: 'inherit', fontSize: 14, headerFontSize: 12, spacing: 6, wrapperBorderRadius: 4})"
)
COLUMNS: list[dict[str, Any]] = [
    {"field": "name", "headerName": "Name", "editable": True, "flex": 3, "minWidth": 180, "filter": True},
    {"field": "status", "headerName": "Status", "width": 120, "cellRenderer": "RunStatus", "filter": True},
    {"field": "progress", "headerName": "Progress", "width": 150, "cellRenderer": "RunProgress"},
    {"field": "kind", "headerName": "Kind", "width": 96},
    {"field": "tags", "headerName": "Tags", "flex": 1, "minWidth": 96, "filter": True},
    {
        "field": "created",
        "headerName": "Created",
        "width": 224,
        "sort": "desc",
        "valueFormatter": {"function": "runTime(params.value)"},
    },
    {
        "field": "seconds",
        "headerName": "Duration",
        "width": 104,
        "type": "rightAligned",
        "valueFormatter": {"function": "runDuration(params.value)"},
    },
    {"field": "id", "headerName": "Lab", "width": 80, "cellRenderer": "RunOpen", "sortable": False},
]


def layout() -> Node:
    """Make the page."""
    return html.Div(
        [
            dcc.Interval(id=ids.RUNS_POLL, interval=REFRESH_MILLISECONDS),
            dcc.Store(id=ids.RUNS_CHANGED),
            html.Div(
                [
                    html.H1("Runs"),
                    html.Span("Loading …", id=ids.RUNS_COUNT, className="dim", role="status"),
                    dmc.TextInput(
                        id=ids.RUNS_FILTER, placeholder="Filter", className="push", **aria(label="Filter runs")
                    ),
                    dmc.Button("Compare", id=ids.RUNS_COMPARE, disabled=True, variant="default"),
                    dmc.Button("Open in the Lab", id=ids.RUNS_OPEN, disabled=True),
                    dmc.Button("Resume", id=ids.RUNS_RESUME, disabled=True, variant="default"),
                    dmc.Button("Delete", id=ids.RUNS_DELETE, disabled=True, variant="default"),
                ],
                className="bar",
            ),
            html.Div(id=ids.RUNS_NOTICE, role="alert", className="notices"),
            html.Div(
                [
                    html.P("No runs yet."),
                    html.P(["Start one in the ", html.A("Lab", href="/"), "; it is kept here."], className="dim"),
                ],
                id=ids.RUNS_EMPTY,
                className="empty",
                hidden=True,
            ),
            html.Div(_grid(), className="run-grid"),
            _delete_dialog(),
        ],
        className="runs",
    )


def _grid() -> Node:
    return dag.AgGrid(
        id=ids.RUNS_GRID,
        columnDefs=COLUMNS,
        rowData=[],
        getRowId="params.data.id",
        className="",
        defaultColDef={"resizable": True, "sortable": True},
        dashGridOptions={
            "theme": {"function": THEME},
            "rowSelection": {"mode": "multiRow"},
            "animateRows": False,
            "ensureDomOrder": True,
            "stopEditingWhenCellsLoseFocus": True,
            "suppressNoRowsOverlay": True,
        },
        style={"height": "100%", "width": "100%"},
    )


def _delete_dialog() -> Node:
    return dmc.Modal(
        [
            html.P("", id=ids.DELETE_TEXT),
            html.Div(
                [
                    dmc.Button("Keep", id=ids.DELETE_NO, variant="default", **{"data-autofocus": True}),
                    dmc.Button("Delete", id=ids.DELETE_YES, color="red"),
                ],
                className="dialog-buttons",
            ),
        ],
        id=ids.DELETE_DIALOG,
        title="Delete runs",
        opened=False,
        size="sm",
    )
