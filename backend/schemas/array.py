"""Arrays on the wire: ``{"shape": [...], "dtype": "float32", "base64": "..."}``, little-endian, C order."""

import base64
import math
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

DTYPES = ("float32", "float64", "int32", "int64", "uint8", "bool")


def to_wire(array: NDArray[Any]) -> dict[str, Any]:
    """Describe an array in plain JSON values.

    Args:
        array: any shape, empty ones included; dtype one of ``DTYPES``.

    Returns:
        The shape, the dtype's name, and the values in C order as base64 text.
    """
    data = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    text = base64.b64encode(data.tobytes()).decode("ascii")
    return {"shape": list(array.shape), "dtype": array.dtype.name, "base64": text}


def from_wire(value: Any) -> NDArray[Any]:
    """Read an array back; an array passes unchanged (made read-only).

    Returns:
        A read-only array in this machine's byte order.

    Raises:
        ValueError: where the value has another form, an unknown dtype, or bytes that do not fill its shape.
    """
    if isinstance(value, np.ndarray):
        if value.dtype.name not in DTYPES:
            raise ValueError(f"expected an array of dtype {', '.join(DTYPES)}, got {value.dtype.name}")
        frozen = value.view()
        frozen.setflags(write=False)
        return frozen
    if not isinstance(value, dict) or set(value) != {"shape", "dtype", "base64"}:
        raise ValueError('expected an array as {"shape": [...], "dtype": "...", "base64": "..."}')
    shape, dtype = value["shape"], value["dtype"]
    if dtype not in DTYPES:
        raise ValueError(f"expected a dtype of {', '.join(DTYPES)}, got {dtype!r}")
    if not isinstance(shape, list) or not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"expected a shape of whole numbers from 0 up, got {shape!r}")
    if not isinstance(value["base64"], str):
        raise ValueError(f"expected base64 text, got {type(value['base64']).__name__}")
    flat = np.frombuffer(base64.b64decode(value["base64"], validate=True), dtype=np.dtype(dtype).newbyteorder("<"))
    if flat.size != math.prod(shape):
        raise ValueError(f"expected {shape} = {math.prod(shape)} values, got {flat.size}")
    return flat.astype(dtype, copy=False).reshape(shape)


Array = Annotated[
    NDArray[Any],
    PlainValidator(from_wire),
    PlainSerializer(to_wire, return_type=dict[str, Any], when_used="json"),
    WithJsonSchema(
        {
            "type": "object",
            "title": "Array",
            "description": "Little-endian values in C order; floats may be NaN or infinite.",
            "properties": {
                "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
                "dtype": {"type": "string", "enum": list(DTYPES)},
                "base64": {"type": "string", "contentEncoding": "base64"},
            },
            "required": ["shape", "dtype", "base64"],
            "additionalProperties": False,
        }
    ),
]
