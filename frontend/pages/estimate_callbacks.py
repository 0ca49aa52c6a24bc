"""What the set-up's runs would take, told beside Start whenever something has changed."""

import asyncio
from collections.abc import Sequence
from typing import Any

from dash import ALL, Input, Output

from backend.schemas.estimate import Estimate
from frontend import ids
from frontend.client import Client, Refused
from frontend.components.draft import Draft
from frontend.components.estimate_line import estimate_line
from frontend.pages.lab_callbacks import ANSWERS, FIELDS, read_answers


def register(app: Any, client: Client) -> None:
    """Connect the line.

    Args:
        app: the page.
        client: the way to the API.
    """

    @app.callback(  # type: ignore[untyped-decorator]
        Output(ids.ESTIMATE, "children"),
        Input(FIELDS, "value"),
        Input(ids.flag(ALL), "checked"),
        Input(ids.DRAFT, "data"),
        *ANSWERS,
    )
    async def tell(_values: Any, _flags: Any, stored: Any, *answers: Sequence[Any]) -> Any:
        draft = Draft.from_store(stored).answered(read_answers(*answers))
        asked = [*draft.requests(), *draft.analyses()]
        try:
            found = await asyncio.gather(*(client.ask("POST", "/api/runs/estimate", request) for request in asked))
        except Refused:
            return None  # Start says what is wrong, at its field
        return estimate_line([Estimate.model_validate(each) for each in found])
