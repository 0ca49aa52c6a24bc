"""Instances of any message, made from its own annotations and bounds: nothing here knows a single message."""

import importlib
import pkgutil
import types
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types as bounds
import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from pydantic import BaseModel, JsonValue, StringConstraints, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

import backend.schemas
from backend.schemas.array import DTYPES
from backend.schemas.base import SpecModel

ARRAY = get_origin(NDArray[Any]) or np.ndarray
SPECIAL = (float("nan"), float("inf"), float("-inf"), 0.0, -0.0, 5e-324, 1.7976931348623157e308)


for found in pkgutil.walk_packages(backend.schemas.__path__, "backend.schemas."):
    importlib.import_module(found.name)


def subclasses(base: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Every class of the published language below a base, in order of definition."""
    for child in base.__subclasses__():
        if child.__module__.startswith("backend.schemas."):
            yield child
            yield from subclasses(child)


def any_json() -> st.SearchStrategy[Any]:
    """Plain JSON values."""
    leaf = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
    return st.recursive(
        leaf | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
        max_leaves=4,
    )


def any_array() -> st.SearchStrategy[NDArray[Any]]:
    """Arrays of every dtype on the wire, up to three axes, empty ones and not-finite floats included."""
    shapes = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
    return st.sampled_from(DTYPES).flatmap(lambda dtype: arrays.arrays(dtype, shapes))


@cache
def instances(model: type[BaseModel]) -> st.SearchStrategy[Any]:
    """Valid instances of a model; every field takes its default now and then."""
    finite = issubclass(model, SpecModel)
    parts = {name: _field(info, finite) for name, info in model.model_fields.items()}
    return st.fixed_dictionaries(parts).map(lambda values: _build(model, values)).filter(lambda made: made is not None)


def _build(model: type[BaseModel], values: dict[str, Any]) -> BaseModel | None:
    try:
        return model(**values)
    except ValidationError as invalid:
        if all(error["type"] == "value_error" for error in invalid.errors()):
            return None  # a rule between fields, which may refuse what each field allows
        raise


def _field(info: FieldInfo, finite: bool) -> st.SearchStrategy[Any]:
    drawn = _values(info.annotation, info.metadata, finite)
    if info.default_factory is not None:
        return st.one_of(st.builds(info.default_factory), drawn)
    return drawn if info.default is PydanticUndefined else st.one_of(st.just(info.default), drawn)


def _bound(metadata: list[Any], kind: type, attribute: str) -> Any:
    return next((getattr(each, attribute) for each in metadata if isinstance(each, kind)), None)


def _flat(metadata: list[Any]) -> list[Any]:
    found: list[Any] = []
    for each in metadata:
        if isinstance(each, FieldInfo):
            found += each.metadata
        elif isinstance(each, StringConstraints):
            found += [each, bounds.MinLen(each.min_length or 0), bounds.MaxLen(each.max_length or 20)]
        elif isinstance(each, bounds.Interval | bounds.Len):
            found += list(each)
        else:
            found.append(each)
    return found


def _values(annotation: Any, metadata: list[Any], finite: bool) -> st.SearchStrategy[Any]:
    origin, arguments, metadata = get_origin(annotation), get_args(annotation), _flat(metadata)
    if origin is Annotated:
        return _values(arguments[0], [*metadata, *arguments[1:]], finite)
    if annotation is ARRAY or origin is ARRAY:
        return any_array()
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin in (Union, types.UnionType):
        return st.one_of([_values(each, metadata, finite) for each in arguments])
    if origin is tuple and arguments[-1] is Ellipsis:
        low, high = _bound(metadata, bounds.MinLen, "min_length") or 0, _bound(metadata, bounds.MaxLen, "max_length")
        each = _values(arguments[0], [], finite)
        return st.lists(each, min_size=low, max_size=min(high or 3, max(low, 3))).map(tuple)
    if origin is tuple:
        return st.tuples(*(_values(each, [], finite) for each in arguments))
    if origin is dict:
        return st.dictionaries(*(_values(each, [], finite) for each in arguments), max_size=2)
    if annotation in (Any, JsonValue):
        return any_json()
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return st.deferred(lambda: instances(annotation))
    return _scalar(annotation, metadata, finite)


def _scalar(annotation: Any, metadata: list[Any], finite: bool) -> st.SearchStrategy[Any]:
    above, low = _bound(metadata, bounds.Gt, "gt"), _bound(metadata, bounds.Ge, "ge")
    below, high = _bound(metadata, bounds.Lt, "lt"), _bound(metadata, bounds.Le, "le")
    if annotation in (None, type(None)):
        return st.none()
    if annotation is bool:
        return st.booleans()
    if annotation is int:
        smallest = low if above is None else above + 1
        return st.integers(-(2**53) if smallest is None else smallest, 2**53 if high is None else high)
    if annotation is float:
        drawn = st.floats(
            above if low is None else low, below if high is None else high,
            exclude_min=above is not None, exclude_max=below is not None, allow_nan=False, allow_infinity=False,
        )  # fmt: skip
        finite = finite or any(getattr(each, "allow_inf_nan", True) is False for each in metadata)
        return drawn if finite else st.sampled_from(SPECIAL) | drawn
    if annotation is str:
        pattern = next((each.pattern for each in metadata if getattr(each, "pattern", None)), None)
        low, high = _bound(metadata, bounds.MinLen, "min_length") or 0, _bound(metadata, bounds.MaxLen, "max_length")
        if pattern is not None:
            matching = st.from_regex(str(pattern).replace("$", r"\Z"), fullmatch=True)
            return matching if high is None else matching.filter(lambda text: len(text) <= high)
        return st.text(st.characters(codec="utf-8"), min_size=low, max_size=min(high or 20, 20))
    raise TypeError(f"no way to make a {annotation!r}; teach tests/schemas/instances.py")


def same(one: Any, other: Any) -> bool:
    """Equal by type and value, where NaN equals NaN, 0.0 is not −0.0, and arrays agree in dtype, shape and bits."""
    if type(one) is not type(other):
        return False
    if isinstance(one, BaseModel):
        return all(same(getattr(one, name), getattr(other, name)) for name in type(one).model_fields)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, float):
        return np.float64(one).tobytes() == np.float64(other).tobytes() or (one != one and other != other)
    return bool(one == other)
