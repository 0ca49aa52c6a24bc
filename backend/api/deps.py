"""What routes are given: the service, the body, and answers written by the models' own encoder."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, TypeVar, cast

from fastapi import Depends, Request, Response
from pydantic import TypeAdapter, ValidationError

from backend.api.errors import InvalidBody, InvalidQuery, Malformed
from backend.jobs.feed import Feed
from backend.jobs.service import Service
from backend.schemas.base import WireModel
from backend.schemas.errors import invalid_request
from backend.schemas.events import EVENT_KINDS

JSON = "application/json"
KINDS = tuple(str(event.model_fields["kind"].default) for event in EVENT_KINDS)
T = TypeVar("T")


def get_service(request: Request) -> Service:
    """Return the service that the app was made with."""
    return cast(Service, request.app.state.service)


def get_feed(request: Request) -> Feed:
    """Return the feed that the app was made with."""
    return cast(Feed, request.app.state.feed)


async def read_body(request: Request) -> bytes:
    """Read the whole body; the limit on its size is the outermost layer's."""
    return await request.body()


ServiceDep = Annotated[Service, Depends(get_service)]
FeedDep = Annotated[Feed, Depends(get_feed)]
Body = Annotated[bytes, Depends(read_body)]


def split(text: str) -> tuple[str, ...]:
    """Return the parts of a list that is separated by commas, each once."""
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def known_kinds(text: str) -> tuple[str, ...]:
    """Read a list of kinds of events.

    Args:
        text: kinds, separated by commas; empty for all.

    Returns:
        The kinds, each once.

    Raises:
        InvalidQuery: where one is unknown.
    """
    kinds = split(text)
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise InvalidQuery("kinds", f"expected kinds of {', '.join(KINDS)}, got {unknown[0][:40]!r}")
    return kinds


def parse(adapter: TypeAdapter[T], raw: bytes) -> T:
    """Validate a body.

    Args:
        adapter: the type that the body must have.
        raw: the body as it came.

    Returns:
        The value.

    Raises:
        Malformed: where it is not JSON.
        InvalidBody: where it does not fit, with one entry per field.
    """
    try:
        return adapter.validate_json(raw)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False)[0]
        if first["type"] == "json_invalid":
            raise Malformed(str(first["ctx"]["error"])) from None
        try:
            data = json.loads(raw)
        except ValueError as bad:
            raise Malformed(str(bad)) from None
        raise InvalidBody(invalid_request(invalid, data)) from None


def answer_model(model: WireModel, status: int = 200) -> Response:
    """Answer with a model, NaN and infinities as strings."""
    return Response(model.encode(), status_code=status, media_type=JSON)


def answer_page(texts: Sequence[str], following: Any) -> Response:
    """Answer ``{"items": [...], "next": ...}`` from items that are JSON text already."""
    return Response(f'{{"items":[{",".join(texts)}],"next":{json.dumps(following)}}}', media_type=JSON)
