"""A schema's facts in words, as help texts and the reference show them."""

from typing import Any

import pytest

from backend.schemas import facts
from backend.schemas.optimizer import AdamOptimizer
from backend.schemas.run import Lane, TrainRequest


@pytest.mark.parametrize(
    ("model", "name", "takes", "bounds", "default"),
    [
        (AdamOptimizer, "lr", "number", "> 0, ≤ 10,000", "0.001"),
        (AdamOptimizer, "beta1", "number", "≥ 0, < 1", "0.9"),
        (AdamOptimizer, "kind", '"adam"', "", '"adam"'),
        (Lane, "name", "string", "length ≥ 1, length ≤ 40", '"SGD"'),
        (Lane, "schedule", '"constant" or "cosine" or "linear" or "restarts" or "step" or "one_cycle"', "", ""),
        (TrainRequest, "batch_size", "integer or null", "≥ 1", "null"),
        (TrainRequest, "dtype", '"float32" or "float64"', "", '"float32"'),
        (TrainRequest, "lanes", "[Lane, …]", "items ≥ 1, items ≤ 8", ""),
        (TrainRequest, "problem", "DataProblem or FunctionProblem or PdeProblem or CustomProblem", "", ""),
    ],
)
def test_a_field_is_put_into_words(model: Any, name: str, takes: str, bounds: str, default: str) -> None:
    schema = model.model_json_schema()
    field = schema["properties"][name]
    assert facts.takes(field, schema.get("$defs", {})) == takes
    assert facts.bounds(field) == bounds
    assert facts.default(field) == default


def test_pairs_and_anything() -> None:
    assert facts.takes({"type": "array", "prefixItems": [{"type": "integer"}, {"type": "number"}]}, {}) == (
        "[integer, number]"
    )
    assert facts.takes({}, {}) == "any"
