"""Run ids: unique, of their pattern, sorted by time."""

import time

import pytest
from pydantic import TypeAdapter, ValidationError

from backend.schemas.ids import ALPHABET, RunId, new_run_id

ID: TypeAdapter[str] = TypeAdapter(RunId)


def test_ids_have_their_pattern_and_differ() -> None:
    made = [new_run_id() for _ in range(500)]
    assert len(set(made)) == 500
    assert all(ID.validate_python(each) == each for each in made)


def test_ids_sort_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for milliseconds in (0, 1, 31, 32, 1_700_000_000_000, 1_700_000_000_001, 4_000_000_000_000):
        monkeypatch.setattr(time, "time_ns", lambda now=milliseconds: now * 1_000_000)
        made.append(new_run_id())
    assert made == sorted(made)
    assert [each[:9] for each in made[:4]] == ["000000000", "000000001", "00000000z", "000000010"]


@pytest.mark.parametrize("text", ["", "0" * 14, "0" * 16, "../etc/passwd000", "O" * 15, "i" * 15, "0" * 15 + "\n"])
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        ID.validate_python(text)


def test_the_alphabet_is_the_patterns() -> None:
    assert len(ALPHABET) == 32
    assert all(ID.validate_python(letter * 15) for letter in ALPHABET)
