"""Reads a form as the browser would: every control of a component tree, and what a callback gets of it."""

from collections.abc import Iterator
from typing import Any

from dash.development.base_component import Component

from frontend.components.answers import answers_of

TYPES = ("field", "flag", "kind")


def walk(part: Any) -> Iterator[Component]:
    """Walk a tree of components."""
    if isinstance(part, list | tuple):
        for child in part:
            yield from walk(child)
    elif isinstance(part, Component):
        yield part
        yield from walk(getattr(part, "children", None))


def controls(form: Any) -> dict[str, Any]:
    """Return a form's controls by the path that each is about."""
    found = [part for part in walk(form) if isinstance(getattr(part, "id", None), dict) and part.id["type"] in TYPES]
    return {_path(part): part for part in found}


def answers(form: Any) -> list[tuple[str, Any]]:
    """Read a form's answers, those of its choices between specs included."""
    read = []
    for path, part in controls(form).items():
        value = part.checked if part.id["type"] == "flag" else part.value
        read.append({"id": {**part.id, "path": path}, "value": value})
    return answers_of([read])


def label_of(part: Any) -> str:
    """Return what a control is called: its visible label, or the one for assistive technology."""
    return str(getattr(part, "label", None) or getattr(part, "aria-label", ""))


def description_of(part: Any) -> str:
    """Return a control's help."""
    return str(getattr(part, "aria-description", ""))


def _path(part: Any) -> str:
    return str(part.id["path"]) + (".kind" if part.id["type"] == "kind" else "")
