"""What the Runs page's controls do: all of it between the browser and the API (``assets/runs.js``)."""

from typing import Any

from dash import ClientsideFunction, Input, Output, State

from frontend import ids

HERE = "gradscapeRuns"


def register(app: Any) -> None:
    """Connect the Runs page's controls."""
    app.clientside_callback(
        ClientsideFunction(HERE, "list"),
        Output(ids.RUNS_GRID, "rowData"),
        Output(ids.RUNS_COUNT, "children"),
        Output(ids.RUNS_EMPTY, "hidden"),
        Input(ids.RUNS_POLL, "n_intervals"),
        Input(ids.RUNS_CHANGED, "data"),
        State(ids.RUNS_GRID, "rowData"),
    )
    app.clientside_callback(
        ClientsideFunction(HERE, "chosen"),
        Output(ids.RUNS_COMPARE, "disabled"),
        Output(ids.RUNS_OPEN, "disabled"),
        Output(ids.RUNS_DELETE, "disabled"),
        Output(ids.RUNS_RESUME, "disabled"),
        Input(ids.RUNS_GRID, "selectedRows"),
    )
    app.clientside_callback(
        ClientsideFunction(HERE, "open"),
        Input(ids.RUNS_OPEN, "n_clicks"),
        State(ids.RUNS_GRID, "selectedRows"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction(HERE, "compare"),
        Input(ids.RUNS_COMPARE, "n_clicks"),
        State(ids.RUNS_GRID, "selectedRows"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction(HERE, "filter"), Input(ids.RUNS_FILTER, "value"), prevent_initial_call=True
    )
    app.clientside_callback(
        ClientsideFunction(HERE, "askDelete"),
        Output(ids.DELETE_DIALOG, "opened"),
        Output(ids.DELETE_TEXT, "children"),
        Input(ids.RUNS_DELETE, "n_clicks"),
        Input(ids.DELETE_NO, "n_clicks"),
        Input(ids.DELETE_YES, "n_clicks"),
        State(ids.RUNS_GRID, "selectedRows"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction(HERE, "change"),
        Output(ids.RUNS_CHANGED, "data"),
        Input(ids.RUNS_GRID, "cellValueChanged"),
        Input(ids.DELETE_YES, "n_clicks"),
        Input(ids.RUNS_RESUME, "n_clicks"),
        State(ids.RUNS_GRID, "selectedRows"),
        prevent_initial_call=True,
    )
