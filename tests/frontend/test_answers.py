"""What is typed is read as it was meant, or passed on as it stands."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontend.components.answers import READERS, get, overlay, put, write, write_number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_written_without_loss(value: float) -> None:
    assert READERS["number"](write_number(value)) == value


@given(st.lists(st.integers(-(10**9), 10**9), max_size=6))
def test_whole_numbers_come_back(values: list[int]) -> None:
    assert READERS["integers"](write(values, "integers")) == values


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.001, "0.001"), (1e-8, "1e-8"), (1e6, "1e6"), (0.0, "0"), (32, "32"), (1000.0, "1000"), (-1.2, "-1.2")],
)
def test_numbers_are_written_shortly(value: float, text: str) -> None:
    assert write_number(value) == text


@pytest.mark.parametrize(
    ("reads", "typed", "value"),
    [
        ("number", "1e-3", 0.001),
        ("number", " −2 ", -2.0),
        ("number", "", None),
        ("number", "abc", "abc"),
        ("number", "nan", "nan"),
        ("number", "1e999", "1e999"),
        ("integer", 128, 128),
        ("integer", "1,000", 1000),
        ("integer", "1e3", 1000),
        ("integer", 1.5, 1.5),
        ("integer", "", None),
        ("integers", "32, 32", [32, 32]),
        ("integers", "32 16", [32, 16]),
        ("integers", "", []),
        ("integers", "32, x", [32, "x"]),
        ("texts", "a, b c,", ["a", "b c"]),
        ("choice", '"adam"', "adam"),
        ("choice", "33", 33),
    ],
)
def test_answers_are_read(reads: str, typed: Any, value: Any) -> None:
    assert READERS[reads](typed) == value


def test_nothing_that_is_read_is_not_finite() -> None:
    for typed in ("inf", "-inf", "NaN", "Infinity"):
        read = READERS["number"](typed)
        assert isinstance(read, str) or math.isfinite(read)


def test_values_are_placed_where_they_belong() -> None:
    tree = {"lanes": [{"lr": 1}, {"lr": 2}], "name": ""}
    changed = overlay(tree, [("lanes.1.lr", 3), ("name", "x"), ("lanes.7.lr", 9), ("nowhere.at.all", 1)])
    assert changed == {"lanes": [{"lr": 1}, {"lr": 3}], "name": "x"}
    assert tree["lanes"][1]["lr"] == 2
    assert get(changed, "lanes.1.lr") == 3
    assert get(changed, "lanes.x") is None
    put(changed, "lanes.0", {"lr": 5})
    assert changed["lanes"][0] == {"lr": 5}
