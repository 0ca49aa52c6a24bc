"""What the choice of weights does: the files there are, and what of the chosen one fits the problem of the set-up."""

from collections.abc import Sequence
from typing import Any

from dash import ALL, Input, Output, no_update
from dash.exceptions import PreventUpdate

from backend.schemas.snapshot import CheckpointMatch
from frontend import ids
from frontend.client import Client, Refused
from frontend.components.draft import Draft
from frontend.components.weights import choices, match_report, sent_line
from frontend.pages.lab_callbacks import ANSWERS, FIELDS, read_answers


def register(app: Any, client: Client) -> None:
    """Connect the choice.

    Args:
        app: the page.
        client: the way to the API.
    """

    @app.callback(  # type: ignore[untyped-decorator]
        Output(ids.WEIGHTS, "data"), Output(ids.WEIGHTS, "value"), Input(ids.WEIGHTS_SENT, "data")
    )
    async def offer(sent: Any) -> tuple[Any, Any]:
        if sent and not sent.get("name"):
            raise PreventUpdate
        try:
            files = (await client.ask("GET", "/api/checkpoints"))["items"]
        except Refused:
            raise PreventUpdate from None
        return choices(file["name"] for file in files), sent["name"] if sent else no_update

    @app.callback(  # type: ignore[untyped-decorator]
        Output(ids.WEIGHTS, "value", allow_duplicate=True),
        Input(ids.preset_item(ALL), "n_clicks"),
        prevent_initial_call=True,
    )
    async def forget(clicks: Sequence[int | None]) -> None:
        if not any(clicks):
            raise PreventUpdate

    @app.callback(  # type: ignore[untyped-decorator]
        Output(ids.WEIGHTS_SAID, "children"),
        Input(ids.WEIGHTS, "value"),
        Input(ids.WEIGHTS_SENT, "data"),
        Input(FIELDS, "value"),
        Input(ids.DRAFT, "data"),
        *ANSWERS,
        prevent_initial_call=True,
    )
    async def tell(name: str | None, sent: Any, _values: Any, stored: Any, *answers: Sequence[Any]) -> Any:
        if (line := sent_line(sent)) is not None:
            return line
        if not name:
            return None
        problem = Draft.from_store(stored).answered(read_answers(*answers)).request["problem"]
        try:
            match = await client.ask("POST", f"/api/checkpoints/{name}/match", problem)
        except Refused as refused:
            return refused.detail.message
        return match_report(CheckpointMatch.model_validate(match))
