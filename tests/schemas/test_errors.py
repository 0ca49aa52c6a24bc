"""A bad request is answered with the fields that are wrong, by the path that the person wrote."""

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from backend.schemas.errors import ErrorDetail, invalid_request
from backend.schemas.run import MAX_STEPS, REQUEST

DIGITS = {"data": {"kind": "digits", "examples": 400}, "model": {"kind": "mlp", "hidden": [16]}}
WHAT = {"kind": "train", "problem": DIGITS, "steps": 30}


def lane(name: str = "SGD", **optimizer: Any) -> dict[str, Any]:
    return {"name": name, "optimizer": {"kind": "sgd", **optimizer}}


def train(**changes: Any) -> dict[str, Any]:
    return {**WHAT, "lanes": [lane()], **changes}


def analyse(**changes: Any) -> dict[str, Any]:
    return {"kind": "analyse", "problem": DIGITS, "analysis": {"kind": "surface"}, **changes}


def refused(request: Any) -> ErrorDetail:
    text = json.dumps(request)
    with pytest.raises(ValidationError) as caught:
        REQUEST.validate_json(text)
    detail = invalid_request(caught.value, json.loads(text))
    assert detail.code == "invalid_request"
    assert detail.hint
    assert detail.errors
    return detail


BAD = {
    "negative rate": (train(lanes=[lane(lr=-0.1)]), "lanes.0.optimizer.lr", "greater than 0, got -0.1"),
    "zero rate": (train(lanes=[lane(lr=0)]), "lanes.0.optimizer.lr", "greater than 0"),
    "NaN rate": (train(lanes=[lane(lr=float("nan"))]), "lanes.0.optimizer.lr", "finite"),
    "infinite rate": (train(lanes=[lane(lr=float("inf"))]), "lanes.0.optimizer.lr", "finite"),
    "text rate": (train(lanes=[lane(lr="fast")]), "lanes.0.optimizer.lr", "valid number, got 'fast'"),
    "number as text": (train(lanes=[lane(lr="0.1")]), "lanes.0.optimizer.lr", "valid number"),
    "second lane": (train(lanes=[lane(), lane("b", lr=-1)]), "lanes.1.optimizer.lr", "greater than 0"),
    "optimizer": (train(lanes=[{"optimizer": {"kind": "sdg"}}]), "lanes.0.optimizer", "'sgd'.*got 'sdg'"),
    "no optimizer": (train(lanes=[{"optimizer": {}}]), "lanes.0.optimizer", "needed"),
    "field": (train(lanes=[lane(momemtum=0.9)]), "lanes.0.optimizer.momemtum", "unknown field"),
    "request field": (train(stepz=3), "stepz", "unknown field"),
    "data set": (train(problem={"data": {"kind": "mnits"}}), "problem.data", "'digits'.*got 'mnits'"),
    "data field": (train(problem={"data": {"kind": "digits", "noise": 1.0}}), "problem.data.noise", "unknown field"),
    "problem field": (train(problem={**DIGITS, "losses": 1}), "problem.losses", "unknown field"),
    "zero steps": (train(steps=0), "steps", "greater than or equal to 1, got 0"),
    "endless steps": (train(steps=10**12), "steps", f"less than or equal to {MAX_STEPS}"),
    "half a step": (train(steps=1.5), "steps", "valid integer"),
    "nine lanes": (train(lanes=[lane(str(i)) for i in range(9)]), "lanes", "^expected at most 8 items, got 9$"),
    "no lane": (train(lanes=[]), "lanes", "^expected at least 1 item, got 0$"),
    "two of one name": (train(lanes=[lane("a"), lane("a")]), "lanes", "two lanes are named 'a'"),
    "big batch": (train(batch_size=401), "batch_size", "at most the 400 training examples, got 401"),
    "empty batch": (train(batch_size=0), "batch_size", "greater than or equal to 1"),
    "function's batch": (
        train(problem={"function": {"kind": "rosenbrock"}}, batch_size=8), "batch_size", "a function has no examples"
    ),
    "start": (
        train(problem={"function": {"kind": "beale", "start": [1.0]}}), "problem.function", "2 coordinates, got 1"
    ),
    "nesterov": (train(lanes=[lane(nesterov=True)]), "lanes.0.optimizer", "momentum above 0"),
    "net on tables": (
        train(problem={"data": {"kind": "wine"}, "model": {"kind": "cnn"}}), "problem", "images, and wine has none"
    ),
    "classes": (
        train(problem={"data": {"kind": "sine"}, "loss": {"kind": "cross_entropy"}}), "problem", "use mse"
    ),
    "two classes": (
        train(problem={"data": {"kind": "wine"}, "loss": {"kind": "logistic"}}), "problem", "has 3; use cross_entropy"
    ),
    "probe": (train(probes=[{"analysis": {"kind": "surfaces"}}]), "probes.0.analysis", "got 'surfaces'"),
    "probe's plane": (
        train(probes=[{"analysis": {"kind": "surface", "plane": {"kind": "pca", "bias": "zero"}}}]),
        "probes.0.analysis.plane.bias", "unknown field",
    ),
    "resolution": (
        analyse(analysis={"kind": "surface", "resolution": 10}), "analysis.resolution", "17, 33, 65 or 129, got 10"
    ),
    "nowhere": (analyse(problem=None), "", "give at"),
    "point": (analyse(at=[{"lane": "SGD"}]), "at.0", "expected an object with run"),
    "point's run": (analyse(at=[{"run": "../x"}]), "at.0.run", "match pattern"),
    "resume": (train(resume=True), "", "give origin a run and a step"),
    "device": (train(device="tpu"), "device", "match pattern"),
    "seed": (train(seed=-1), "seed", "greater than or equal to 0"),
    "kind": ({"kind": "trian"}, "", "got 'trian'"),
    "nothing": ({}, "", "needed"),
    "a list": ([], "", "should be an object, got list"),
    "null": (None, "", "should be an object, got None"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_answered_by_field(name: str) -> None:
    request, path, sentence = BAD[name]
    found = refused(request).errors
    assert [error.path for error in found] == [path]
    assert re.search(sentence, found[0].message), found[0].message


def test_every_wrong_field_is_named() -> None:
    detail = refused(train(steps=0, seed=-1, lanes=[lane(lr=-1.0, momentum=1.0)]))
    assert {each.path for each in detail.errors} == {
        "steps", "seed", "lanes.0.optimizer.lr", "lanes.0.optimizer.momentum",
    }  # fmt: skip
    assert detail.message.startswith("4 fields are not as expected; ")


def test_long_input_is_not_echoed_whole() -> None:
    assert len(refused(train(device="x" * 10_000)).message) < 300
