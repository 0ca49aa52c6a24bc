"""How a spec's field describes itself: bounds, unit and help from which form, validation and docs are made."""

from typing import Any

from pydantic import Field, JsonValue


def described(
    default: Any,
    text: str,
    *,
    title: str | None = None,
    unit: str | None = None,
    scale: str | None = None,
    factory: Any = None,
    **bounds: Any,
) -> Any:
    """Make a spec's field.

    Args:
        default: the value that is used when the field is not given (ignored with a ``factory``).
        text: the help sentence, shown beside the control.
        title: the control's label where the field's name is not a good one.
        unit: the unit, where it has one.
        scale: ``"log"`` where the control should move by factors.
        factory: makes the default, where it is not immutable.
        bounds: ``gt``, ``ge``, ``lt``, ``le``, ``min_length``, ``max_length``, ``pattern`` of pydantic's ``Field``.

    Returns:
        What pydantic takes as the field's default.
    """
    extra: dict[str, JsonValue] = {key: value for key, value in (("unit", unit), ("scale", scale)) if value is not None}
    start = {"default_factory": factory} if factory is not None else {"default": default}
    return Field(**start, description=text, title=title, json_schema_extra=extra or None, **bounds)


def kind_of(tag: str) -> Any:
    """Make the ``kind`` field of a tagged union's member."""
    return Field(default=tag, description="Which member of the union this is.")
