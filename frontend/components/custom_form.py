"""A problem of the user's own: which of the file's, and a control for each of its settings."""

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from backend.schemas.problem.custom import CustomEntry, parameters_spec
from frontend import ids
from frontend.components.node import Node, aria
from frontend.components.spec_form import COMBOBOX, spec_form

PATH = "problem.custom"


def entry_named(entries: Sequence[CustomEntry], name: str) -> CustomEntry | None:
    """Return the file's entry of a name, None where the file has no such problem."""
    return next((entry for entry in entries if entry.name == name), None)


def custom_form(custom: Mapping[str, Any], entries: Sequence[CustomEntry]) -> list[Node]:
    """Make the choice between the file's problems, and the fields of the chosen one.

    Args:
        custom: the chosen problem's name and settings, as plain JSON values.
        entries: the file's problems; a stored run may be of one that is not among them.

    Returns:
        The controls, or the sentence that says what is missing.
    """
    entry = entry_named(entries, custom["name"])
    names = [{"value": each.name, "label": each.title} for each in entries]
    if entry is None:
        names.append({"value": custom["name"], "label": custom["name"]})
    choice = dmc.Select(
        id=ids.kind(PATH),
        label="Problem",
        data=names,
        value=custom["name"],
        allowDeselect=False,
        comboboxProps=COMBOBOX,
        className="wide",
        **aria(description=entry.summary if entry else "A problem of one's own."),
    )
    if entry is None:
        missing = (
            f"This server has no problem {custom['name']}: start it with --problems and the file that declares it."
        )
        return [choice, html.P(missing, className="dim small")]
    sizes = f"{entry.size:,} parameters, {entry.examples:,} examples with these defaults."
    about = html.P(f"{entry.summary} {sizes}", className="dim small")
    return [choice, about, spec_form(parameters_spec(entry), custom["parameters"], f"{PATH}.parameters")]
