"""What the Lab's controls do. Live data does not pass here: it goes straight to the panels (``assets/stream.js``)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import dash
from dash import ALL, ClientsideFunction, Input, Output, State, no_update
from dash.exceptions import PreventUpdate

from backend.schemas.problem.custom import CustomEntry
from frontend import ids
from frontend.client import Client, Refused
from frontend.components.answers import answers_of
from frontend.components.draft import Draft, kind_at, with_family, with_kind, with_kinds, with_lane, without_lane
from frontend.components.lane_list import full, lane_list
from frontend.components.preset_menu import preset_note
from frontend.components.probe_form import probe_form
from frontend.components.problem_form import family_of, problem_form
from frontend.components.run_form import run_form
from frontend.components.schedule_preview import schedule_preview
from frontend.presets import preset
from frontend.state import MOMENT, View

FIELDS = ids.field(ALL, ALL)
ANSWERS = [State(FIELDS, "value"), State(ids.flag(ALL), "checked"), State(FIELDS, "id"), State(ids.flag(ALL), "id")]
FORMS = [Output(name, "children") for name in (ids.PROBLEM_FORM, ids.LANES_FORM, ids.RUN_FORM, ids.PROBES_FORM)]


def register(app: Any, client: Client, entries: Sequence[CustomEntry] = ()) -> None:
    """Connect the Lab's controls.

    Args:
        app: the page.
        client: the way to the API.
        entries: the problems of the user's own that the server has.
    """
    _clientside(app)

    @app.callback(  # type: ignore[untyped-decorator]
        Output(ids.VIEW, "data", allow_duplicate=True),
        Output(ids.DRAFT_FROM, "data", allow_duplicate=True),
        Output(ids.ERRORS, "data"),
        Input(ids.START, "n_clicks"),
        State(ids.DRAFT, "data"),
        State(ids.VIEW, "data"),
        State(ids.ERRORS, "data"),
        State(ids.WEIGHTS, "value"),
        *ANSWERS,
        prevent_initial_call=True,
    )
    async def start(
        clicks: int | None, stored: Any, view: Any, told: Any, weights: str | None, *answers: Sequence[Any]
    ) -> tuple[Any, Any, Any]:
        if not clicks:
            raise PreventUpdate
        draft = Draft.from_store(stored).answered(read_answers(*answers))
        runs: list[str] = []
        try:
            for request in draft.requests(weights):
                runs.append((await client.create(request)).id)
            for analysis in draft.analyses():
                runs.append((await client.create(analysis)).id)
        except Refused as refused:
            if not runs:
                return no_update, no_update, error_store(draft, refused)
        choices = {**View.from_store(view).choices_dict(), **draft.choices}
        choices.pop(MOMENT, None)  # of another race
        # Taking back complaints that nobody made would draw every field anew, and the first picture waits for that.
        return View.make(runs, choices).store(), runs[0], None if told else no_update

    @app.callback(  # type: ignore[untyped-decorator]
        *FORMS,
        Output(ids.DRAFT, "data"),
        Output(ids.PRESET_NOTE, "children"),
        Output(ids.ADD_LANE, "disabled"),
        Output(ids.ERRORS, "data", allow_duplicate=True),
        Input(ids.kind(ALL), "value"),
        Input(ids.PROBLEM_FAMILY, "value"),
        Input(ids.ADD_LANE, "n_clicks"),
        Input(ids.lane_action(ALL, ALL), "n_clicks"),
        Input(ids.preset_item(ALL), "n_clicks"),
        Input(ids.single_run(ALL), "n_clicks"),
        State(ids.kind(ALL), "id"),
        State(ids.DRAFT, "data"),
        *ANSWERS,
        prevent_initial_call=True,
    )
    async def redraw(
        kinds: Sequence[Any],
        family: str,
        _add: Any,
        _lane: Any,
        _preset: Any,
        _single: Any,
        kind_ids: Any,
        stored: Any,
        *answers: Any,
    ) -> Any:
        before = Draft.from_store(stored)
        after = asked = before.answered(read_answers(*answers))
        by = dash.ctx.triggered_id
        clicked = any(trigger["value"] for trigger in dash.ctx.triggered)
        chosen = None
        if by == ids.ADD_LANE and clicked:
            after = with_lane(after)
        elif isinstance(by, dict) and by["type"] == "lane-action" and clicked:
            after = with_lane(after, by["lane"]) if by["action"] == "duplicate" else without_lane(after, by["lane"])
        elif isinstance(by, dict) and by["type"] == "preset-item" and clicked:
            chosen = preset(by["name"])
            after = Draft.of(chosen.request, chosen.variants, chosen.choices, chosen.also)
        elif isinstance(by, dict) and by["type"] == "single-run" and clicked:
            after = replace(after, variants=(), also=())
            return (*draw(after, asked, entries), preset_note(None, ()), no_update, no_update)
        elif by == ids.PROBLEM_FAMILY and family != family_of(before.request["problem"]):
            after = with_family(after, family, entries)
        else:
            paths = [str(name["path"]) for name in kind_ids]
            changed = [(p, k) for p, k in zip(paths, kinds, strict=True) if kind_at(before.request, p) != k]
            if not changed:
                raise PreventUpdate
            for path, kind in changed:
                many = isinstance(kind, list)
                after = with_kinds(after, path, kind) if many else with_kind(after, path, kind, entries)
        dropped = () if chosen or after.variants else before.variants
        noted = preset_note(chosen, after.variants, dropped, after.also)
        return (*draw(after, asked, entries), noted, full(after.request["lanes"]), None)

    @app.callback(  # type: ignore[untyped-decorator]
        Output(ids.schedule_preview(ALL), "children"),
        # A schedule is made of these; the learning rates, which sliders move, are not among them.
        *[Input(ids.field(ALL, reads), "value") for reads in ("integer", "number", "integers", "numbers")],
        State(ids.DRAFT, "data"),
        *ANSWERS,
        prevent_initial_call=True,
    )
    async def draw_schedules(_whole: Any, _real: Any, _wholes: Any, _reals: Any, stored: Any, *answers: Any) -> Any:
        path = dash.ctx.triggered_id["path"] if isinstance(dash.ctx.triggered_id, dict) else ""
        if path != "steps" and ".schedule." not in path:
            raise PreventUpdate
        request = Draft.from_store(stored).answered(read_answers(*answers)).request
        return [schedule_preview(lane["schedule"], request["steps"]) for lane in request["lanes"]]

    @app.callback(  # type: ignore[untyped-decorator]
        *[Output(form.component_id, "children", allow_duplicate=True) for form in FORMS],
        Output(ids.DRAFT, "data", allow_duplicate=True),
        Output(ids.PRESET_NOTE, "children", allow_duplicate=True),
        Output(ids.ADD_LANE, "disabled", allow_duplicate=True),
        Output(ids.DRAFT_FROM, "data"),
        Input(ids.VIEW, "data"),
        State(ids.DRAFT_FROM, "data"),
        prevent_initial_call="initial_duplicate",
    )
    async def take_from_run(view: Any, taken: str | None) -> Any:
        runs = View.from_store(view).runs
        if not runs or runs[0] == taken:
            raise PreventUpdate
        try:
            run = await client.run(runs[0])
        except Refused:
            raise PreventUpdate from None  # the bar says that the run is not there
        if run.kind != "train":
            raise PreventUpdate
        draft = Draft.taken(run.request)
        return (*draw(draft, None, entries), preset_note(None, ()), full(draft.request["lanes"]), run.id)


def draw(draft: Draft, shown: Draft | None = None, entries: Sequence[CustomEntry] = ()) -> tuple[Any, ...]:
    """Draw the set-up's forms that are not shown as they should be, and write the draft for the store.

    Args:
        draft: what the set-up should ask for.
        shown: what it asks for now; None draws everything.
        entries: the problems of the user's own that the server has.

    Returns:
        Problem, lanes, run and landscape (``no_update`` for what is shown already), then the draft.
    """
    request, now = draft.request, shown.request if shown else {}
    problem, lanes, probes = ("problem",), ("lanes",), ("probes",)
    rest = tuple(name for name in request if name not in {*problem, *lanes, *probes})

    def form(names: tuple[str, ...], make: Callable[[], Any], same: bool = True) -> Any:
        return no_update if same and all(name in now and now[name] == request[name] for name in names) else make()

    return (
        form(problem, lambda: problem_form(request["problem"], entries)),
        form(lanes, lambda: lane_list(request["lanes"], request["steps"])),
        form(rest, lambda: run_form(request)),
        form(probes, lambda: probe_form(draft), same=shown is not None and shown.on == draft.on),
        draft.store(),
    )


def error_store(draft: Draft, refused: Refused) -> dict[str, Any]:
    """Write an error for the page's store, its paths turned into the form's own."""
    detail = refused.detail.model_dump(mode="json")
    detail["errors"] = [{**error, "path": draft.field_path(error["path"])} for error in detail["errors"]]
    return detail


def read_answers(values: Any, checked: Any, field_ids: Any, flag_ids: Any) -> list[tuple[str, Any]]:
    """Read the set-up's form, as ``ANSWERS`` hands it to a callback."""
    fields = [{"id": name, "value": value} for name, value in zip(field_ids, values, strict=True)]
    flags = [{"id": name, "value": value} for name, value in zip(flag_ids, checked, strict=True)]
    return answers_of([fields, flags])


def _clientside(app: Any) -> None:
    """Connect what happens in the browser alone: steering, errors at their fields, sliders."""
    here, rates, numbers = "gradscape", ids.field(ALL, "power"), ids.field(ALL, "number")
    app.clientside_callback(
        ClientsideFunction(here, "steer"),
        Input(rates, "value"),
        Input(numbers, "value"),
        State(rates, "id"),
        State(numbers, "id"),
        State(ids.DRAFT_FROM, "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction(here, "showErrors"),
        Output(FIELDS, "error"),
        Output(ids.kind(ALL), "error"),
        Input(ids.ERRORS, "data"),
        State(FIELDS, "id"),
        State(ids.kind(ALL), "id"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction(here, "toggleSetup"),
        Output(ids.LAB, "className"),
        Output(ids.SETUP_TOGGLE, "aria-expanded"),
        Input(ids.SETUP_TOGGLE, "n_clicks"),
    )
    both = ids.field(dash.MATCH, "power")
    app.clientside_callback(
        ClientsideFunction(here, "moveTogether"),
        Output(both, "value"),
        Output(ids.slider(dash.MATCH), "value"),
        Input(both, "value"),
        Input(ids.slider(dash.MATCH), "value"),
        prevent_initial_call=True,
    )
