"""The lanes: up to eight competitors, each with its colour, name, update rule, learning rate, schedule and filters."""

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from backend.schemas.run import Lane
from frontend import ids
from frontend.components.draft import MOST_LANES
from frontend.components.lane_mark import lane_mark
from frontend.components.node import Node, aria, icon
from frontend.components.schedule_preview import schedule_preview
from frontend.components.section import details
from frontend.components.spec_fields import UNIONS, SpecField, fields_of, kind_of, member_of
from frontend.components.spec_form import COMBOBOX, kind_select, spec_form, union_parts


def lane_list(lanes: Sequence[Mapping[str, Any]], steps: Any) -> list[Node]:
    """Make the forms of all lanes of a race of so many steps."""
    return [_lane(index, lane, steps, removable=len(lanes) > 1) for index, lane in enumerate(lanes)]


def add_lane(*, disabled: bool) -> Node:
    """Make the button that adds a lane."""
    return dmc.Button("Add a lane", id=ids.ADD_LANE, variant="default", fullWidth=True, size="xs", disabled=disabled)


def _lane(index: int, lane: Mapping[str, Any], steps: Any, *, removable: bool) -> Node:
    path, number = f"lanes.{index}", index + 1
    fields = {field.name: field for field in fields_of(Lane)}
    rule, spec = lane["optimizer"], member_of("optimizer", lane["optimizer"]["kind"])
    name = dmc.TextInput(
        id=ids.field(f"{path}.name", "text"),
        value=lane["name"],
        spellCheck=False,
        className="lane-name",
        **aria(label=f"Name of lane {number}"),
    )
    head = html.Div(
        [
            lane_mark(index),
            name,
            _button("duplicate", index, "copy", f"Duplicate lane {number}", disabled=False),
            _button("remove", index, "remove", f"Remove lane {number}", disabled=not removable),
        ],
        className="lane-head",
    )
    return html.Div(
        [
            head,
            html.Div(
                [
                    kind_select(fields["optimizer"], rule["kind"], f"{path}.optimizer"),
                    spec_form(spec, rule, f"{path}.optimizer", only=("lr",), sliders=("lr",)),
                ],
                className="fields rule",
            ),
            details(
                "More settings",
                spec_form(spec, rule, f"{path}.optimizer", leave_out=("lr",)),
                html.Div(
                    [
                        *union_parts(fields["schedule"], lane["schedule"], f"{path}.schedule"),
                        html.Div(
                            schedule_preview(lane["schedule"], steps),
                            id=ids.schedule_preview(index),
                            className="wide preview",
                        ),
                    ],
                    className="fields after",
                ),
                html.Div(_filters(fields["filters"], lane, path, filtered=spec.filtered), className="fields after"),
                open_=lane["schedule"]["kind"] != "constant" or bool(lane.get("filters")),  # what is set is seen
            ),
        ],
        className="lane",
        role="group",
        **aria(label=f"Lane {number}"),
    )


def _filters(field: SpecField, lane: Mapping[str, Any], path: str, *, filtered: bool) -> list[Node]:
    """Make the choice of filters, and the fields of the chosen ones."""
    chosen = lane.get("filters") or []
    choice = dmc.MultiSelect(
        id=ids.kind(f"{path}.filters"),
        label="Filters",
        data=[{"value": kind_of(kind), "label": kind.title} for kind in UNIONS["filters"]],
        value=[each["kind"] for each in chosen],
        placeholder=None if chosen else "none" if filtered else "not for this rule",
        disabled=not filtered,
        hidePickedOptions=True,
        comboboxProps=COMBOBOX,
        **aria(description=field.help),
    )
    parts: list[Node] = [html.Div(choice, className="wide")]
    for place, each in enumerate(chosen):
        kind = member_of("filters", each["kind"])
        title = html.Div(kind.title, className="small strong", title=kind.summary)
        parts.append(html.Div([title, spec_form(kind, each, f"{path}.filters.{place}")], className="wide filter"))
    return parts


def _button(action: str, index: int, drawing: str, label: str, *, disabled: bool) -> Node:
    return dmc.ActionIcon(
        icon(drawing),
        id=ids.lane_action(action, index),
        variant="subtle",
        color="gray",
        size="sm",
        disabled=disabled,
        **aria(label=label),
    )


def full(lanes: Sequence[Any]) -> bool:
    """Say whether there is no room for another lane."""
    return len(lanes) >= MOST_LANES
