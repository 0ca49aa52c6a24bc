"""The OpenAPI document: FastAPI's, with the bodies that we validate ourselves described from the same types."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from backend.api.bodies import BODIES, REF


def document(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the app; made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = made.setdefault("components", {}).setdefault("schemas", {})
        for name, adapter in BODIES.items():
            schema = adapter.json_schema(ref_template=REF, by_alias=True)
            for inner, definition in schema.pop("$defs", {}).items():
                schemas.setdefault(inner, definition)
            schemas.setdefault(name, schema)
        app.openapi_schema = made
    return app.openapi_schema
