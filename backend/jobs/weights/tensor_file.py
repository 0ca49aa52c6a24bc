"""The safetensors form: eight bytes of length, a header of JSON, the tensors' bytes without gaps or overlaps."""

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from backend.jobs.weights.bad import BadWeights

LARGEST_HEADER: Final = 16 * 2**20
LARGEST_SIZE: Final = 2**40  # of one axis
TYPES: Final[Mapping[str, str]] = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "|i1",
    "U8": "|u1", "BOOL": "|b1",
}  # fmt: skip


def read_tensor_file(data: bytes) -> dict[str, NDArray[Any]]:
    """Read a safetensors file.

    Args:
        data: the whole file.

    Returns:
        Its tensors by name; bfloat16 as float32.

    Raises:
        BadWeights: where the header does not fit the bytes exactly.
    """
    length = int.from_bytes(data[:8], "little") if len(data) >= 8 else -1
    if not 2 <= length <= min(len(data) - 8, LARGEST_HEADER):
        raise BadWeights("expected a safetensors file or a state dict saved by torch.save, got neither")
    try:
        header = json.loads(data[8 : 8 + length].decode("utf-8"))
    except (ValueError, RecursionError):
        raise BadWeights("the safetensors header is not valid JSON; the file may be cut short") from None
    if not isinstance(header, dict):
        raise BadWeights("expected the safetensors header to be an object")
    header.pop("__metadata__", None)
    body, found, spans = memoryview(data)[8 + length :], {}, []
    for name, about in header.items():
        start, end, array = _tensor(name, about, body)
        spans.append((start, end))
        found[name] = array
    reached = 0
    for start, end in sorted(spans):
        if start != reached:
            raise BadWeights("the safetensors file has gaps or overlaps between its tensors")
        reached = end
    if reached != len(body):
        raise BadWeights(f"the safetensors header speaks of {reached:,} bytes of tensors, and there are {len(body):,}")
    return found


def _tensor(name: str, about: Any, body: memoryview) -> tuple[int, int, NDArray[Any]]:
    try:
        kind, shape, (start, end) = about["dtype"], about["shape"], about["data_offsets"]
    except (TypeError, KeyError, ValueError):
        raise BadWeights(f"the safetensors header says too little of {name[:80]!r}") from None
    numbers = isinstance(shape, list) and all(
        type(each) is int and 0 <= each < LARGEST_SIZE for each in (*shape, start, end)
    )
    if not isinstance(kind, str) or kind not in TYPES or not numbers:
        raise BadWeights(f"{name[:80]!r}: expected a tensor of {', '.join(TYPES)}, got {str(kind)[:20]!r}")
    dtype = np.dtype(TYPES[kind])
    if not 0 <= start <= end <= len(body) or math.prod(shape) * dtype.itemsize != end - start or len(shape) > 32:
        raise BadWeights(f"{name[:80]!r}: its shape and its place in the safetensors file do not fit")
    return start, end, numbers_of(body[start:end], dtype, brain=kind == "BF16").reshape(shape)


def whole(value: object) -> bool:
    """Say whether this can be a size or a place."""
    return type(value) is int and 0 <= value < LARGEST_SIZE


def numbers_of(raw: memoryview | bytes, dtype: "np.dtype[Any]", *, brain: bool) -> NDArray[Any]:
    """Read numbers; those of bfloat16 (``brain``) are the upper halves of float32."""
    values: NDArray[Any] = np.frombuffer(raw, dtype)
    return (values.astype("<u4") << 16).view("<f4") if brain else values
