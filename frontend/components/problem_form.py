"""What is trained: a network on data with a loss, a test function, or a differential equation."""

from collections.abc import Mapping
from typing import Any

import dash_mantine_components as dmc
from dash import html

from backend.schemas.problem import DataProblem, FunctionProblem, PdeProblem
from frontend import ids
from frontend.components.node import Node, aria
from frontend.components.section import details
from frontend.components.spec_fields import fields_of, member_of, own_fields, words
from frontend.components.spec_form import kind_select, spec_form

FAMILIES = (("data", "Data"), ("function", "Function"), ("pde", "Equation"))
SPECS: Mapping[str, Any] = {"data": DataProblem, "function": FunctionProblem, "pde": PdeProblem}


def family_of(problem: Mapping[str, Any]) -> str:
    """Tell which family a problem is of, by the key that only it has."""
    return next(family for family in SPECS if family in problem)


def problem_form(problem: Mapping[str, Any]) -> list[Node]:
    """Make the form of a problem."""
    family = family_of(problem)
    switch = dmc.SegmentedControl(
        id=ids.PROBLEM_FAMILY,
        data=[{"value": value, "label": label} for value, label in FAMILIES],
        value=family,
        fullWidth=True,
        **aria(label="Kind of problem"),
    )
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


def describe(problem: Mapping[str, Any]) -> str:
    """Say in a few words what a problem is: ``Digits · MLP 32-32``, ``Rosenbrock``, ``Poisson · galerkin``."""
    if "function" in problem:
        return str(member_of("function", problem["function"]["kind"]).title)
    if "pde" in problem:
        equation = problem["pde"]
        how = equation.get("method", equation.get("frame"))
        return " · ".join(part for part in (member_of("pde", equation["kind"]).title, how) if part)
    model = problem["model"]
    sizes = model.get("hidden", model.get("channels", ()))
    name = member_of("model", model["kind"]).title
    shape = f"{name} {'-'.join(str(size) for size in sizes)}" if sizes else f"{name} without hidden layers"
    return f"{member_of('data', problem['data']['kind']).title} · {shape} · {words(problem['loss']['kind'])}"
