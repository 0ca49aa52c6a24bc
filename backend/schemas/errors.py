"""The one shape of every error, and how pydantic's complaints become it."""

from typing import Any, Literal

from pydantic import ValidationError

from backend.schemas.base import WireModel

ErrorCode = Literal[
    "invalid_request", "malformed", "bad_host", "unauthorized", "forbidden", "not_found", "conflict", "too_large",
    "too_many", "unsupported", "unavailable", "internal", "worker_died", "worker_lost", "out_of_memory", "not_finite",
]  # fmt: skip


class FieldError(WireModel):
    """What is wrong with one field of a request; ``path`` is dotted, as in ``lanes.0.optimizer.lr``."""

    path: str
    message: str


class ErrorDetail(WireModel):
    """What went wrong (expected, got), what to do about it, and where."""

    code: ErrorCode
    message: str
    hint: str | None = None
    where: str | None = None
    errors: tuple[FieldError, ...] = ()


class ErrorBody(WireModel):
    """An error as the API answers it."""

    error: ErrorDetail


def _path(loc: tuple[int | str, ...], data: Any, absent: bool) -> str:
    """Drop the unions' tags from pydantic's location: keep what leads through the data that came.

    The last part is kept also where the data lack it, when the complaint is that it is ``absent``.

    Returns:
        The dotted path, as in ``lanes.0.optimizer.lr``; empty for the whole request.
    """
    kept: list[str] = []
    for depth, part in enumerate(loc):
        last = absent and depth == len(loc) - 1
        if isinstance(data, dict) and isinstance(part, str) and (part in data or last):
            kept.append(part)
            data = data.get(part)
        elif isinstance(data, list | tuple) and isinstance(part, int):
            kept.append(str(part))
            data = data[part] if part < len(data) else None
    return ".".join(kept)


def _message(error: Any) -> str:
    text = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        return "unknown field; check its spelling, or leave it out"
    if error["type"] == "union_tag_invalid":
        return f"expected one of {error['ctx']['expected_tags']}, got {error['ctx']['tag']!r}"
    if error["type"] == "union_tag_not_found":
        return f"{error['ctx']['discriminator']} is needed; it says which one this is"
    if error["type"] == "missing":
        return "this field is needed"
    if error["type"] in ("too_long", "too_short"):
        longest = error["type"] == "too_long"
        count = error["ctx"]["max_length" if longest else "min_length"]
        most = "at most" if longest else "at least"
        return f"expected {most} {count} {'item' if count == 1 else 'items'}, got {error['ctx']['actual_length']}"
    got = error.get("input")
    shown = repr(got) if isinstance(got, str | int | float | bool) or got is None else type(got).__name__
    return text if error["type"] == "value_error" else f"{text}, got {shown[:80]}"


def _follows(loc: tuple[int | str, ...], complaints: list[Any]) -> bool:
    """Say whether a tuple is too short only because pydantic left out its items that are wrong themselves."""
    return any(len(e["loc"]) > len(loc) and e["loc"][: len(loc)] == loc for e in complaints)


def field_errors(invalid: ValidationError, data: Any) -> tuple[FieldError, ...]:
    """Turn pydantic's complaints into one entry per field.

    Args:
        invalid: what pydantic raised.
        data: the plain JSON value that was validated.

    Returns:
        The entries, in pydantic's order.
    """
    complaints = invalid.errors(include_url=False)
    return tuple(
        FieldError(path=_path(e["loc"], data, e["type"] == "missing"), message=_message(e))
        for e in complaints
        if not (e["type"] == "too_short" and _follows(e["loc"], complaints))
    )


def invalid_request(invalid: ValidationError, data: Any) -> ErrorDetail:
    """Make the error of a request that does not validate.

    Args:
        invalid: what pydantic raised.
        data: the plain JSON value that was validated.

    Returns:
        The error, with one entry per field and the first one in its message.
    """
    errors = field_errors(invalid, data)
    count = "1 field is" if len(errors) == 1 else f"{len(errors)} fields are"
    first = f"{errors[0].path or 'the request'}: {errors[0].message}"
    return ErrorDetail(
        code="invalid_request",
        message=f"{count} not as expected; {first}",
        hint="Correct the fields named in errors and send the request again; nothing was stored.",
        errors=errors,
    )
