"""Axes that panels share: by step, linear or logarithmic, titled by what is chosen."""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from backend.schemas.panels import Choice, Column, Option, Patch

STEP: Final = Column(field="step")
STEPS: Final[dict[str, JsonValue]] = {
    "rangemode": "tozero",
    "showgrid": False,
    "zeroline": False,
    "title": {"text": "step"},
}

LAYERS: Final[dict[str, JsonValue]] = {  # the first layer on top
    "type": "category",
    "autorange": "reversed",
    "showgrid": False,
    "ticks": "",
    "dtick": 1,
    "title": {"text": "layer"},
}

# 10⁴ is set larger than other ticks: a quarter, as its power is so small.
POWERS: Final[dict[str, JsonValue]] = {"exponentformat": "power", "tickfont": {"size": 10}}
DECADES: Final[list[JsonValue]] = [{"dtickrange": [4, None], "value": "~e"}]  # where a tick is worth 10,000 or more
# A logarithmic axis asks for three ticks: with more, a decade or so of a short graph would have one at each digit,
# whose labels lie over one another. The page asks for more in a tall graph.
LOGARITHMIC: Final[dict[str, JsonValue]] = {
    "type": "log",
    "nticks": 3,
    "tickformat": "~g",
    "tickformatstops": DECADES,
}

_KINDS: Final = {"linear": "Lin", "log": "Log"}


def scale(default: str, label: str = "Vertical scale") -> Choice:
    """Make the control of a scale, ``linear`` or ``log``; the default stands first.

    Returns:
        A choice that :func:`scaled` answers to.

    Example:
        >>> [option.label for option in scale("log").options]
        ['Log', 'Lin']
    """
    order = sorted(_KINDS, key=lambda kind: kind != default)
    return Choice(name="scale", label=label, options=tuple(Option(value=kind, label=_KINDS[kind]) for kind in order))


def scaled(kind: str, **axis: JsonValue) -> Patch:
    """Say what the vertical axis is like on a scale, besides being of its kind.

    Returns:
        The patch.
    """
    own: dict[str, JsonValue] = LOGARITHMIC if kind == "log" else {"type": kind}
    return Patch(when={"scale": (kind,)}, layout={"yaxis": {**own, **axis}})


def titled(choice: Choice, titles: Mapping[str, str], axis: str = "yaxis") -> tuple[Patch, ...]:
    """Title an axis by what is chosen."""
    return tuple(
        Patch(when={choice.name: (value,)}, layout={axis: {"title": {"text": title}}})
        for value, title in titles.items()
    )
