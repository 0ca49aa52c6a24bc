"""The bodies that routes take, by name: validated from the raw text, and described in the OpenAPI document."""

from typing import Any

from pydantic import Field, TypeAdapter

from backend.schemas.base import SpecModel, WireModel
from backend.schemas.control import CONTROL
from backend.schemas.events import Envelope
from backend.schemas.fields import described
from backend.schemas.problem import AnyProblem
from backend.schemas.recording import RECORDED, RECORDING
from backend.schemas.run import REQUEST, Run, Tag

REF = "#/components/schemas/{model}"


class RunChanges(SpecModel):
    """What of a run may be changed afterwards."""

    name: str | None = described(None, "The new name; left out, it stays.", min_length=1, max_length=200)
    tags: tuple[Tag, ...] | None = described(None, "The new tags; left out, they stay.", max_length=20)


class ExportedRun(WireModel):
    """A whole run: its description and its events, in order."""

    schema_version: int = Field(alias="schema", description="Version of this form.")
    run: Run
    events: tuple[Envelope, ...]


PROBLEM: TypeAdapter[Any] = TypeAdapter(AnyProblem)
CHANGES: TypeAdapter[RunChanges] = TypeAdapter(RunChanges)
EXPORTED: TypeAdapter[ExportedRun] = TypeAdapter(ExportedRun)
BODIES: dict[str, TypeAdapter[Any]] = {
    "Request": REQUEST,
    "Problem": PROBLEM,
    "Control": CONTROL,
    "RunChanges": CHANGES,
    "ExportedRun": EXPORTED,
    "Recording": RECORDING,
    "RecordedEvents": RECORDED,
    "Envelope": TypeAdapter(Envelope),
}


def body(name: str) -> dict[str, Any]:
    """Describe a route's JSON body, one of ``BODIES``, for ``openapi_extra``."""
    content = {"application/json": {"schema": {"$ref": REF.format(model=name)}}}
    return {"requestBody": {"required": True, "content": content}}
