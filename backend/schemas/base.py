"""The one base class of every message, and its one encoder.

Everything that crosses a wall (browser, worker process, store, export) is a :class:`WireModel`.
Divergence is ordinary data here, so not-finite floats survive: they are written as the JSON strings
``"NaN"``, ``"Infinity"`` and ``"-Infinity"``, which every JSON parser can read, and read back as floats.
"""

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class WireModel(BaseModel):
    """A frozen message without unknown fields, whose NaN and infinities survive the wire."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings", arbitrary_types_allowed=True)

    def encode(self) -> str:
        """Write the message as JSON text."""
        return self.model_dump_json()

    def to_json(self) -> dict[str, Any]:
        """Return the message as plain JSON values: what :meth:`encode` writes, read by any JSON parser."""
        plain: dict[str, Any] = json.loads(self.encode())  # model_dump(mode="json") would leave NaN a float
        return plain

    @classmethod
    def decode(cls, text: str | bytes) -> Self:
        """Read a message back from JSON text.

        Returns:
            The message; equal to the one that was written, NaN and infinities included.

        Raises:
            pydantic.ValidationError: where a field is missing, unknown or out of its bounds.
        """
        return cls.model_validate_json(text)


class SpecModel(WireModel):
    """What a person asks for: strict numbers (no text, no NaN), every field with a default and a help sentence."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, validate_default=True)
