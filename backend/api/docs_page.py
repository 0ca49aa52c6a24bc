"""The API's documentation as one HTML page without scripts, made from the OpenAPI document; nothing is fetched."""

import base64
import hashlib
from collections.abc import Sequence
from html import escape
from typing import Any

from backend.schemas import facts

STYLE = """
:root { color-scheme: light dark; --line: #8886; --soft: #8882; }
body { font: 14px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; } h3 { margin: 2rem 0 .25rem; } code { font: 13px ui-monospace, monospace; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; border-bottom: 1px solid var(--line); }
th { background: var(--soft); font-weight: 600; } .scroll { overflow-x: auto; } .quiet { opacity: .75; }
"""


POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
)


def _code(text: str) -> str:
    return f"<code>{escape(text)}</code>"


def _link(ref: str) -> str:
    name = ref.rsplit("/", 1)[-1]
    return f'<a href="#{escape(name)}">{_code(name)}</a>'


def _type(schema: facts.Schema) -> str:
    """Say in one line what a schema accepts."""
    if "$ref" in schema:
        return _link(schema["$ref"])
    for key in ("oneOf", "anyOf", "allOf"):
        if key in schema:
            return " | ".join(_type(each) for each in schema[key])
    if "const" in schema:
        return _code(repr(schema["const"]))
    if "enum" in schema:
        return " | ".join(_code(repr(each)) for each in schema["enum"])
    if schema.get("type") == "array":
        inner = schema.get("items") or {}
        parts = schema.get("prefixItems")
        return f"[{', '.join(_type(each) for each in parts)}]" if parts else f"array of {_type(inner)}"
    return escape(str(schema.get("type", "any")))


def _bounds(schema: facts.Schema) -> str:
    return escape(", ".join(text for text in (facts.bounds(schema), str(schema.get("unit", ""))) if text))


def _default(schema: facts.Schema) -> str:
    text = facts.default(schema)
    return _code(text) if text else ""


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    top = "".join(f"<th scope=col>{each}</th>" for each in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<div class=scroll><table><tr>{top}</tr>{body}</table></div>"


def _content(part: dict[str, Any]) -> str:
    content = part.get("content", {})
    return ", ".join(
        f"{_type(media.get('schema', {})) if media.get('schema') else ''} {_code(kind)}"
        for kind, media in content.items()
    )


def _route(method: str, path: str, route: dict[str, Any]) -> str:
    parameters = [
        (
            _code(each["name"]),
            escape(each["in"]),
            _type(each["schema"]),
            _bounds(each["schema"]),
            _default(each["schema"]),
            escape(each.get("description", "")),
        )
        for each in route.get("parameters", ())
    ]
    answers = [
        (_code(status), escape(each.get("description", "")), _content(each))
        for status, each in route.get("responses", {}).items()
    ]
    sent = f"<p>Body: {_content(route['requestBody'])}</p>" if "requestBody" in route else ""
    return (
        f"<h3>{_code(f'{method.upper()} {path}')}</h3><p>{escape(route.get('description', ''))}</p>"
        + _table(("Parameter", "In", "Type", "Bounds", "Default", "Meaning"), parameters)
        + sent
        + _table(("Status", "", "Answer"), answers)
    )


def _schema(name: str, schema: facts.Schema) -> str:
    rows = [
        (
            _code(field),
            _type(each),
            _bounds(each),
            _default(each),
            escape(each.get("description", "")),
        )
        for field, each in schema.get("properties", {}).items()
    ]
    members = "" if rows else f"<p>{_type(schema)}</p>"
    return (
        f'<h3 id="{escape(name)}">{_code(name)}</h3><p>{escape(schema.get("description", ""))}</p>'
        + members
        + _table(("Field", "Type", "Bounds", "Default", "Meaning"), rows)
    )


def docs_page(document: dict[str, Any]) -> str:
    """Render an OpenAPI document (what ``/api/openapi.json`` answers) as HTML."""
    routes = [
        _route(method, path, route) for path, methods in document["paths"].items() for method, route in methods.items()
    ]
    schemas = [_schema(name, schema) for name, schema in sorted(document["components"]["schemas"].items())]
    info = document["info"]
    return (
        f'<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">'
        f"<title>{escape(info['title'])} API</title><style>{STYLE}</style>"
        f"<h1>{escape(info['title'])} API <span class=quiet>{escape(info['version'])}</span></h1>"
        f"<p>{escape(info.get('description', ''))} The same as a document: "
        f'<a href="/api/openapi.json">{_code("/api/openapi.json")}</a>.</p>'
        f"<h2>Routes</h2>{''.join(routes)}<h2>Schemas</h2>{''.join(schemas)}</html>"
    )
