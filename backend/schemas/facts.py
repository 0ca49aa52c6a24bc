"""What a field's JSON Schema says, in a few words: for the reference pages and the command line's help."""

import json
from typing import Any, Final

Schema = dict[str, Any]

BOUNDS: Final = {
    "exclusiveMinimum": ">", "minimum": "≥", "exclusiveMaximum": "<", "maximum": "≤",
    "minItems": "items ≥", "maxItems": "items ≤", "minLength": "length ≥", "maxLength": "length ≤",
}  # fmt: skip


def takes(field: Schema, definitions: Schema) -> str:
    """Say what a field takes.

    Args:
        field: the field's schema.
        definitions: the whole schema's ``$defs``.

    Returns:
        A type, the allowed values, or the kinds of a union.

    Example:
        >>> takes({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]}, {})
        'integer or null'
    """
    if "$ref" in field:
        name = str(field["$ref"]).rsplit("/", 1)[-1]
        kind = definitions.get(name, {}).get("properties", {}).get("kind", {})
        return f'"{kind["const"]}"' if "const" in kind else name
    for key in ("oneOf", "anyOf"):
        if key in field:
            return " or ".join(dict.fromkeys(takes(each, definitions) for each in field[key]))
    if "const" in field:
        return json.dumps(field["const"])
    if "enum" in field:
        return " or ".join(json.dumps(each) for each in field["enum"])
    if field.get("title") == "Array":
        return "Array"
    if field.get("type") == "array":
        parts = field.get("prefixItems") or [field.get("items", {})]
        return f"[{', '.join(takes(each, definitions) for each in parts)}{'' if 'prefixItems' in field else ', …'}]"
    return str(field.get("type", "any"))


def bounds(field: Schema) -> str:
    """Say between what a field must lie.

    Args:
        field: the field's schema; the variants of ``anyOf`` count.

    Returns:
        The bounds; empty where there are none.

    Example:
        >>> bounds({"type": "number", "exclusiveMinimum": 0.0, "maximum": 1.0})
        '> 0, ≤ 1'
    """
    found = [
        f"{sign} {part[key]:,g}" if isinstance(part[key], float) else f"{sign} {part[key]:,}"
        for part in (field, *field.get("anyOf", ()))
        for key, sign in BOUNDS.items()
        if key in part
    ]
    return ", ".join(found)


def default(field: Schema, longest: int = 60) -> str:
    """Write a field's default as JSON; empty where it has none, or one longer than ``longest``."""
    text = json.dumps(field["default"], ensure_ascii=False) if "default" in field else ""
    return text if len(text) <= longest else ""
