"""What is trained: a network on data with a loss, a test function, a differential equation, or one's own problem."""

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from backend.schemas.problem import CustomProblem, DataProblem, FunctionProblem, PdeProblem
from backend.schemas.problem.custom import CustomEntry
from frontend import ids
from frontend.components.custom_form import custom_form
from frontend.components.node import Node, aria
from frontend.components.section import details
from frontend.components.spec_fields import fields_of, member_of, own_fields
from frontend.components.spec_form import kind_select, spec_form

FAMILIES = (("data", "Data"), ("function", "Function"), ("pde", "Equation"))
CUSTOM = ("custom", "Own")  # offered where the server has a file of them
SPECS: Mapping[str, Any] = {
    "data": DataProblem, "function": FunctionProblem, "pde": PdeProblem, "custom": CustomProblem,
}  # fmt: skip


def family_of(problem: Mapping[str, Any]) -> str:
    """Tell which family a problem is of, by the key that only it has."""
    return next(family for family in SPECS if family in problem)


def problem_form(problem: Mapping[str, Any], entries: Sequence[CustomEntry] = ()) -> list[Node]:
    """Make the form of a problem.

    Args:
        problem: as plain JSON values.
        entries: the problems of the user's own that the server has.

    Returns:
        The controls.
    """
    family = family_of(problem)
    families = (*FAMILIES, CUSTOM) if entries or family == CUSTOM[0] else FAMILIES
    switch = dmc.SegmentedControl(
        id=ids.PROBLEM_FAMILY,
        data=[{"value": value, "label": label} for value, label in families],
        value=family,
        fullWidth=True,
        **aria(label="Kind of problem"),
    )
    if family == CUSTOM[0]:
        return [html.Div([switch, *custom_form(problem["custom"], entries)], className="stack")]
    parts: list[Node] = [switch]
    for field in fields_of(SPECS[family]):
        value, path = problem[field.name], f"problem.{field.name}"
        member = member_of(field.name, value["kind"])
        parts.append(kind_select(field, value["kind"], path))
        own, names = own_fields(member), [f.name for f in fields_of(member)]
        if any(name in own for name in names):
            parts.append(spec_form(member, value, path, only=own))
        if any(name not in own for name in names):
            parts.append(
                details(f"More about the {field.label.lower()}", spec_form(member, value, path, leave_out=own))
            )
    return [html.Div(parts, className="stack")]
