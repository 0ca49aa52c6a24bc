"""What a recorded loop may tell of its steps: each once, in order, in whole numbers."""

import base64
from typing import Any

import numpy as np
import pytest


def packed(values: Any, dtype: str = "float32") -> dict[str, Any]:
    array = np.asarray(values, dtype)
    return {"shape": list(array.shape), "dtype": dtype, "base64": base64.b64encode(array.tobytes()).decode()}


def rows(*steps: float, dtype: str = "int64", **fields: Any) -> dict[str, Any]:
    ones = packed([1.0] * len(steps))
    usual = {"loss": ones, "grad_norm": ones, "lr": ones, "seconds": ones}
    return {"kind": "train_chunk", "lane": "mine", "step": packed(steps, dtype), **usual, **fields}


def evaluated(step: int | None) -> dict[str, Any]:
    return {"kind": "eval", "lane": "mine", "step": step, "split": "test", "loss": 1.0, "accuracy": None}


@pytest.fixture
def begun(ask: Any) -> str:
    return str(ask("POST", "/api/recordings", json={"parameters": 3}).json()["id"])


def test_rows_that_rise_are_taken(ask: Any, begun: str) -> None:
    for told in (rows(1, 2, 3), rows(), rows(4, dtype="int32"), rows(9), evaluated(0), evaluated(9)):
        answer = ask("POST", f"/api/recordings/{begun}/events", json={"events": [told]})
        assert answer.status_code == 204, answer.text


REFUSED = {
    "told before": ((rows(2),), "expected a row after step 3, got step 2; each step is told once"),
    "the same again": ((rows(4), rows(4)), "expected a row after step 4, got step 4"),
    "backwards": ((rows(5, 4),), "expected a row after step 5, got step 4"),
    "beyond all steps": ((rows(2**62),), "expected a step of at most 10,000,000, got 4,611,"),
    "halves": ((rows(4.5, dtype="float32"),), "whole numbers (int32 or int64), got float32"),
    "ragged": ((rows(4, loss=packed([])),), "columns of one length"),
    "square": ((rows(4, step=packed([[4]], "int64")),), "columns of one length"),
    "another lane": ((rows(4, lane="yours"),), "expected events of the lane 'mine', got 'yours'"),
    "another repeat": ((rows(4, repeat=1),), "expected repeat 0 and part 0"),
    "an evaluation before the beginning": ((evaluated(-1),), "at a step from 0 to 10,000,000, got -1"),
    "an evaluation of no step": ((evaluated(None),), "at a step from 0 to 10,000,000, got None"),
}


@pytest.mark.parametrize(("told", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_others_are_refused_and_nothing_of_them_is_kept(ask: Any, begun: str, told: Any, sentence: str) -> None:
    route = f"/api/recordings/{begun}/events"
    assert ask("POST", route, json={"events": [rows(1, 2, 3)]}).status_code == 204
    before = len(ask("GET", f"/api/runs/{begun}/events").json()["items"])
    answer = ask("POST", route, json={"events": list(told)})
    assert answer.status_code == 422, answer.text
    assert sentence in answer.json()["error"]["message"]
    assert len(ask("GET", f"/api/runs/{begun}/events").json()["items"]) == before
    assert ask("POST", route, json={"events": [rows(4)]}).status_code == 204
