"""The panels' controls and the view say the same, so that a link shows what its sender saw."""

from dash import ALL, ClientsideFunction, Dash, Input, Output, State

from frontend import ids


def register(app: Dash) -> None:
    """Connect every panel's controls with the view, in the browser alone.

    Args:
        app: the page.
    """
    controls = ids.choice(ALL)
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("gradscape_panels", "keepChoices"),
        Output(ids.VIEW, "data", allow_duplicate=True),
        Output(controls, "value"),
        Input(ids.VIEW, "data"),
        Input(controls, "value"),
        State(controls, "id"),
        State(controls, "data"),
        prevent_initial_call="initial_duplicate",
    )
