"""The lanes: up to eight competitors, each with its colour, name, update rule, learning rate and schedule."""

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from backend.schemas.run import Lane
from frontend import ids
from frontend.components.draft import MOST_LANES
from frontend.components.lane_mark import lane_mark
from frontend.components.node import Node, aria, icon
from frontend.components.section import details
from frontend.components.spec_fields import fields_of, member_of
from frontend.components.spec_form import kind_select, spec_form, union_parts


def lane_list(lanes: Sequence[Mapping[str, Any]]) -> list[Node]:
    """Make the forms of all lanes."""
    return [_lane(index, lane, removable=len(lanes) > 1) for index, lane in enumerate(lanes)]


def add_lane(*, disabled: bool) -> Node:
    """Make the button that adds a lane."""
    return dmc.Button("Add a lane", id=ids.ADD_LANE, variant="default", fullWidth=True, size="xs", disabled=disabled)


def _lane(index: int, lane: Mapping[str, Any], *, removable: bool) -> Node:
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
                    union_parts(fields["schedule"], lane["schedule"], f"{path}.schedule"), className="fields after"
                ),
            ),
        ],
        className="lane",
        role="group",
        **aria(label=f"Lane {number}"),
    )


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
