"""A form made from a spec class: one labelled control a field, with help, bounds and unit; nothing is written twice.

A union is a choice with the chosen member's own fields below it. The values come back through
``components.answers``; an error of the API finds its control by the path in the control's id.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

import dash_mantine_components as dmc
from dash import html
from pydantic import BaseModel

from frontend import ids
from frontend.components.answers import write
from frontend.components.node import Node, aria
from frontend.components.spec_fields import MEMBERS, NESTED, Choice, SpecField, choices_of, fields_of

SLIDER_DECADES = (3, 2)  # below and above the default's own decade
EMPTY_MEANS = {"batch_size": "all", "pace": "flat out"}
COMBOBOX = {"withinPortal": True, "shadow": "sm"}
WIDE_COMBOBOX = {**COMBOBOX, "width": 220, "position": "bottom-start"}
LABEL_LENGTH = 18  # letters that fit above a short field
SHORT = {"integer", "number", "power", "choice"}  # two of these fit side by side


def spec_form(
    spec: type[BaseModel],
    values: Mapping[str, Any],
    path: str,
    *,
    only: Iterable[str] | None = None,
    leave_out: Iterable[str] = (),
    sliders: Iterable[str] = (),
) -> Node:
    """Make the form of a spec.

    Args:
        spec: the class whose fields are asked for.
        values: the spec's present values, as plain JSON values.
        path: where the spec lies in the request, dotted; empty at its top.
        only: names of the fields to show, in this order; all by default, in the spec's.
        leave_out: names of the fields not to show.
        sliders: names of the fields that get a slider besides; only fields with ``scale: log`` can have one.

    Returns:
        The controls, in two columns where they are short.
    """
    fields = {field.name: field for field in fields_of(spec) if field.name not in leave_out}
    shown = [fields[name] for name in (fields if only is None else only) if name in fields]
    return html.Div(
        [part for f in shown for part in field_parts(f, values.get(f.name), join(path, f.name), f.name in sliders)],
        className="fields",
    )


def join(path: str, name: str) -> str:
    """Put a name at the end of a dotted path."""
    return f"{path}.{name}" if path else name


def field_parts(field: SpecField, value: Any, path: str, slider: bool = False) -> list[Node]:
    """Make the controls of one field: several where it is a union, a spec of its own, or has a slider."""
    if field.reads == "union":
        return union_parts(field, value or {}, path)
    if field.reads == "nested":
        return [spec_form(NESTED[field.nested], value or {}, path)]
    if field.reads == "other":
        return []
    if slider and field.log:
        moved = replace(field, reads="power")
        return [_text(moved, value, path), log_slider(field, value, path)]
    return [CONTROLS[field.reads](field, value, path)]


def union_parts(
    field: SpecField, value: Mapping[str, Any], path: str, offered: Iterable[str] | None = None
) -> list[Node]:
    """Make the choice between specs, and the fields of the chosen one.

    Args:
        field: the union.
        value: the chosen spec's present values.
        path: where it lies in the request.
        offered: the kinds to choose from, beside the chosen one; all by default.

    Returns:
        The choice, and the chosen spec's own fields.
    """
    if offered is not None:
        kinds = {*offered, value.get("kind")}
        field = replace(field, members=tuple(member for member in field.members if member[0] in kinds))
    members = dict(field.members)
    kind = value.get("kind") or field.members[0][0]
    parts = [kind_select(field, kind, path)]
    member = MEMBERS[members[kind]]
    if fields_of(member):
        parts.append(html.Div(spec_form(member, value, path), className="wide"))
    return parts


def kind_select(field: SpecField, kind: str, path: str) -> Node:
    """Make the choice between a union's members; a long list is grouped, and can be searched by typing."""
    choices = choices_of(field.members)
    summary = next((choice.summary for choice in choices if choice.value == kind), "")
    grouped = all(choice.group for choice in choices)
    return dmc.Select(
        id=ids.kind(path),
        label=field.label,
        data=_grouped(choices) if grouped else _options(choices),
        value=kind,
        searchable=grouped,
        nothingFoundMessage="Nothing of that name",
        maxDropdownHeight=360,
        allowDeselect=False,
        comboboxProps=WIDE_COMBOBOX if grouped else COMBOBOX,
        className="wide",
        **aria(description=summary or field.help),
    )


def _options(choices: Iterable[Choice]) -> list[Any]:
    return [{"value": choice.value, "label": choice.label} for choice in choices]


def _grouped(choices: Iterable[Choice]) -> list[Any]:
    groups: dict[str, list[Choice]] = {}
    for choice in choices:
        groups.setdefault(choice.group, []).append(choice)
    return [{"group": group, "items": _options(members)} for group, members in groups.items()]


def log_slider(field: SpecField, value: Any, path: str) -> Node:
    """Make a slider that moves by factors: its own value is the decimal logarithm."""
    low, high = slider_span(field)
    at = math.log10(value) if isinstance(value, int | float) and value > 0 else low
    return dmc.Slider(
        id=ids.slider(path),
        min=low,
        max=high,
        step=0.05,
        value=min(max(at, low), high),
        updatemode="drag",
        size=4,
        thumbSize=14,
        label={"function": "powerOfTen"},
        thumbLabel=f"{field.label}, by powers of ten",
        className="wide slider",
    )


def slider_span(field: SpecField) -> tuple[float, float]:
    """Return the decimal logarithms between which a slider moves: decades about the default, within the bounds."""
    centre = math.floor(math.log10(field.default)) if field.default else -2
    low, high = float(centre - SLIDER_DECADES[0]), float(centre + SLIDER_DECADES[1])
    if field.low:
        low = max(low, math.log10(field.low))
    return low, (min(high, math.log10(field.high)) if field.high else high)


def _text(field: SpecField, value: Any, path: str) -> Node:
    return dmc.TextInput(
        id=ids.field(path, field.reads),
        label=_label(field),
        value=write(value, field.reads),
        placeholder=EMPTY_MEANS.get(field.name, "none") if field.nullable else None,
        spellCheck=False,
        **_described(field),
    )


def _integer(field: SpecField, value: Any, path: str) -> Node:
    return dmc.NumberInput(
        id=ids.field(path, field.reads),
        label=_label(field),
        value="" if value is None else value,
        allowDecimal=False,
        clampBehavior="none",
        min=field.low,
        max=field.high,
        placeholder=EMPTY_MEANS.get(field.name, "none") if field.nullable else None,
        **_described(field),
    )


def _choice(field: SpecField, value: Any, path: str) -> Node:
    return dmc.Select(
        id=ids.field(path, field.reads),
        label=_label(field),
        data=[{"value": write(choice.value, "choice"), "label": choice.label} for choice in field.choices],
        value=write(value, "choice"),
        allowDeselect=False,
        comboboxProps=COMBOBOX,
        **_described(field),
    )


def _switch(field: SpecField, value: Any, path: str) -> Node:
    return dmc.Switch(id=ids.flag(path), label=_label(field), checked=bool(value), **_described(field))


CONTROLS: Mapping[str, Callable[[SpecField, Any, str], Node]] = {
    "number": _text,
    "numbers": _text,
    "integers": _text,
    "texts": _text,
    "text": _text,
    "integer": _integer,
    "choice": _choice,
    "flag": _switch,
}


def _label(field: SpecField) -> str:
    with_unit = f"{field.label} ({field.unit})"
    fits = field.unit and field.unit not in field.label.lower() and len(with_unit) <= LABEL_LENGTH
    return with_unit if fits else field.label


def _described(field: SpecField) -> dict[str, Any]:
    """Say what the field is to assistive technology, and to whoever points at it (``assets/help.js``)."""
    return {"className": "" if field.reads in SHORT else "wide", **aria(description=field.explained)}
