"""Arrays on the wire: every dtype, shape and byte order reads back; anything else is refused with a sentence."""

import base64
import contextlib
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from instances import any_array, same
from numpy.typing import NDArray

from backend.schemas.array import DTYPES, Array, from_wire, to_wire
from backend.schemas.base import WireModel


class Holder(WireModel):
    """A message with an array."""

    values: Array


@given(any_array())
def test_arrays_read_back_bit_for_bit(array: NDArray[Any]) -> None:
    wire = json.loads(json.dumps(to_wire(array)))
    assert wire["shape"] == list(array.shape)
    assert wire["dtype"] == array.dtype.name
    back = from_wire(wire)
    assert same(back, array)
    assert not back.flags.writeable
    assert same(Holder.decode(Holder(values=array).encode()), Holder(values=array))


@given(arrays.arrays(st.sampled_from([">f4", ">f8", ">i4", "<f4", "<i8"]), arrays.array_shapes(max_dims=2)))
def test_bytes_are_little_endian_whatever_the_array_was(array: NDArray[Any]) -> None:
    raw = base64.b64decode(to_wire(array)["base64"])
    little = np.frombuffer(raw, array.dtype.newbyteorder("<")).reshape(array.shape)
    np.testing.assert_array_equal(little, array)


@given(arrays.arrays("float32", arrays.array_shapes(min_dims=2, max_dims=3)))
def test_strides_do_not_matter(array: NDArray[Any]) -> None:
    assert to_wire(array.T) == to_wire(array.T.copy(order="C"))
    assert same(from_wire(to_wire(array[::-1])), array[::-1].copy())


def test_the_form_is_what_the_contract_says() -> None:
    wire = to_wire(np.array([[1.0, np.nan]], np.float32))
    assert wire == {"shape": [1, 2], "dtype": "float32", "base64": "AACAPwAAwH8="}
    assert to_wire(np.array(True)) == {"shape": [], "dtype": "bool", "base64": "AQ=="}
    assert to_wire(np.empty((0, 3), np.int32)) == {"shape": [0, 3], "dtype": "int32", "base64": ""}


def test_an_array_that_passes_is_protected_and_the_callers_is_not() -> None:
    mine = np.zeros(3)
    held = Holder(values=mine).values
    with pytest.raises(ValueError, match="read-only"):
        held[0] = 1.0
    mine[0] = 2.0


GOOD = to_wire(np.zeros((2, 2), np.float32))


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "expected an array as"),
        ([1.0, 2.0], "expected an array as"),
        ({**GOOD, "order": "C"}, "expected an array as"),
        ({"shape": [1], "dtype": "float32"}, "expected an array as"),
        ({**GOOD, "dtype": "float16"}, "expected a dtype of float32.*'float16'"),
        ({**GOOD, "dtype": "object"}, "expected a dtype"),
        ({**GOOD, "dtype": ["float32"]}, "expected a dtype"),
        ({**GOOD, "shape": [4, 2]}, "= 8 values, got 4"),
        ({**GOOD, "shape": [-1, 4]}, "whole numbers"),
        ({**GOOD, "shape": [2.0, 2]}, "whole numbers"),
        ({**GOOD, "shape": [True, 4]}, "whole numbers"),
        ({**GOOD, "shape": "22"}, "whole numbers"),
        ({"shape": [2**40, 2**40], "dtype": "float32", "base64": ""}, "got 0"),
        ({"shape": [2**80], "dtype": "float32", "base64": ""}, "got 0"),
        ({**GOOD, "base64": None}, "expected base64 text, got NoneType"),
        ({**GOOD, "base64": "not base64!"}, "base64|[Pp]adding"),
        ({**GOOD, "base64": "é"}, "ASCII"),
        ({**GOOD, "base64": "AAA="}, "multiple of element size"),
        (np.zeros(1, np.float16), "expected an array of dtype .*float16"),
        (np.zeros(1, object), "expected an array of dtype .*object"),
    ],
)
def test_bad_arrays_are_refused(value: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        from_wire(value)


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                 lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["shape", "dtype", "base64"]), inner))
)  # fmt: skip
def test_no_json_value_breaks_the_reader(value: Any) -> None:
    with contextlib.suppress(ValueError):  # pydantic turns a ValueError, and no other, into a field's complaint
        assert isinstance(from_wire(value), np.ndarray)


def test_all_dtypes_are_told_apart() -> None:
    assert {from_wire(to_wire(np.zeros(1, dtype))).dtype.name for dtype in DTYPES} == set(DTYPES)
