"""Balls and forks: what is asked for in the panels becomes a run, which joins the view."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import ClientsideFunction, Input, Output, State, no_update
from dash.exceptions import PreventUpdate

from backend.schemas.errors import ErrorDetail
from frontend import ids
from frontend.client import Client, Refused
from frontend.components.branch import branched
from frontend.components.draft import Draft
from frontend.pages.lab_callbacks import ANSWERS, error_store, read_answers
from frontend.state import MOST_RUNS, View

DEPTH = 8  # runs that are followed back to their problem


def register(app: Any, client: Client) -> None:
    """Connect the request for a branch, which ``assets/branch.js`` writes.

    Args:
        app: the page.
        client: the way to the API.
    """
    app.clientside_callback(
        ClientsideFunction("gradscape_branch", "joined"), Input(ids.BRANCHED, "data"), prevent_initial_call=True
    )

    @app.callback(  # type: ignore[untyped-decorator]
        Output(ids.VIEW, "data", allow_duplicate=True),
        Output(ids.ERRORS, "data", allow_duplicate=True),
        Output(ids.BRANCHED, "data"),
        Input(ids.BRANCH, "data"),
        State(ids.DRAFT, "data"),
        State(ids.VIEW, "data"),
        *ANSWERS,
        prevent_initial_call=True,
    )
    async def branch(asked: Any, stored: Any, view: Any, *answers: Sequence[Any]) -> tuple[Any, Any, Any]:
        if not asked:
            raise PreventUpdate
        draft, shown = Draft.from_store(stored).answered(read_answers(*answers)), View.from_store(view)
        try:
            if len(shown.runs) >= MOST_RUNS:
                raise Refused(_full())
            parent = await origin_of(client, asked["origin"]["run"])
            run = await client.create(branched(draft.requests()[0], parent, asked))
        except Refused as refused:
            return no_update, error_store(draft, refused), {"run": None, "count": asked["count"]}
        answered = {"run": run.id, "count": asked["count"]}
        return View.make((*shown.runs, run.id), shown.choices_dict()).store(), None, answered


async def origin_of(client: Client, run: str) -> Mapping[str, Any]:
    """Return the request of a run, with its problem; an analysis of points is followed back to where they come from.

    Args:
        client: the way to the API.
        run: its id.

    Returns:
        The request.

    Raises:
        Refused: where a run is not there, or none of them has a problem.
    """
    request: Mapping[str, Any] = {}
    for _ in range(DEPTH):
        found = (await client.run(run)).request
        request = {**found, **request}
        if found.get("problem") is not None:
            return {**request, "problem": found["problem"]}
        point = found["at"][0]
        if "init" in point:
            return {**request, "problem": point["init"]}
        run = point["run"]
        request = {name: value for name, value in found.items() if name in ("seed", "dtype", "device")}
    raise Refused(ErrorDetail(code="unsupported", message="the run's points lead back through too many other runs"))


def _full() -> ErrorDetail:
    return ErrorDetail(
        code="unsupported",
        message=f"the view shows {MOST_RUNS} runs, and there is no room for another",
        hint="Remove one from the view (✕ beside its name), and try again.",
    )
