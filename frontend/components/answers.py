"""From what people type to a request, and back: texts read as numbers, values placed at dotted paths.

What cannot be read is passed on as it is: the API says what it expected, and nothing typed is lost.
"""

import copy
import json
import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Json = Any


def read_number(text: Any) -> Json:
    """Read a number (``1e-3``, ``0.1``, ``½`` is not one); an empty answer is null."""
    if isinstance(text, int | float):
        return text
    if text is None or not str(text).strip():
        return None
    try:
        value = float(str(text).strip().replace("−", "-"))
    except ValueError:
        return text
    return value if math.isfinite(value) else str(text).strip()


def read_integer(text: Any) -> Json:
    """Read a whole number, where it is one; thousands may be told apart by spaces or commas."""
    value = read_number(str(text).replace(",", "").replace(" ", "") if isinstance(text, str) else text)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def read_numbers(text: Any) -> Json:
    """Read numbers told apart by commas or spaces; an empty answer is an empty list."""
    return [read_number(part) for part in str(text or "").replace(",", " ").split()]


def read_integers(text: Any) -> Json:
    """Read whole numbers told apart by commas or spaces; an empty answer is an empty list."""
    return [read_integer(part) for part in str(text or "").replace(",", " ").split()]


def read_texts(values: Any) -> Json:
    """Read words told apart by commas."""
    return [word.strip() for word in str(values or "").split(",") if word.strip()]


def read_text(text: Any) -> Json:
    """Read a text as it stands."""
    return "" if text is None else text


READERS: Mapping[str, Callable[[Any], Json]] = {
    "number": read_number,
    "power": read_number,  # one that a slider moves too
    "integer": read_integer,
    "numbers": read_numbers,
    "integers": read_integers,
    "texts": read_texts,
    "text": read_text,
    "choice": json.loads,
}


def write(value: Json, reads: str) -> str:
    """Write a value as the text that ``READERS[reads]`` reads back."""
    if reads == "choice":
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return ", ".join(write(item, reads.removesuffix("s")) for item in value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    return write_number(value)


def write_number(value: float) -> str:
    """Write a number shortly, without losing a digit: ``0.001``, ``1e-8``, ``32``, ``1e6``."""
    whole = float(value).is_integer() and abs(value) < 1e16
    plain, powers = (_tidy(text) for text in (repr(int(value) if whole else value), f"{value:.0e}"))
    return powers if len(plain) > 6 and float(powers) == value else plain


def _tidy(text: str) -> str:
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}{e}{int(exponent)}" if e else mantissa


def get(tree: Json, path: str) -> Json:
    """Return the value at a dotted path, None where there is none."""
    for part in path.split("."):
        if isinstance(tree, Mapping):
            tree = tree.get(part)
        elif isinstance(tree, list | tuple) and part.isdigit() and int(part) < len(tree):
            tree = tree[int(part)]
        else:
            return None
    return tree


def put(tree: Json, path: str, value: Json) -> None:
    """Place a value at a dotted path that leads through existing objects and lists; leave out what leads nowhere."""
    *way, last = path.split(".")
    parent = get(tree, ".".join(way)) if way else tree
    if isinstance(parent, dict):
        parent[last] = value
    elif isinstance(parent, list) and last.isdigit() and int(last) < len(parent):
        parent[int(last)] = value


def overlay(tree: Json, answers: Iterable[tuple[str, Json]]) -> Json:
    """Return a copy of a request with the answers placed at their paths; what has no control stays as it was."""
    changed = copy.deepcopy(tree)
    for path, value in answers:
        put(changed, path, value)
    return changed


def answers_of(states: Iterable[Iterable[Mapping[str, Any]]]) -> list[tuple[str, Json]]:
    """Read all controls of a form, as a callback gets them: lists of ``{"id": …, "value": …}``."""
    read = []
    for group in states:
        for control in group:
            name, value = control["id"], control.get("value")
            reader = READERS[name["reads"]] if name["type"] == "field" else _as_it_is
            read.append((str(name["path"]), reader(value)))
    return read


def _as_it_is(value: Any) -> Json:
    return value
