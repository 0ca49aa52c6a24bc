"""What the API answers where gradients or maps are asked for that cannot be."""

import base64

import numpy as np
import pytest
from real_lab import RealLab, real_service

DIGITS = {"data": {"kind": "digits", "examples": 60}, "model": {"kind": "mlp", "hidden": [8]}}
PICTURES = {"data": {"kind": "digits", "examples": 60}, "model": {"kind": "cnn", "channels": [4, 4]}}
NORMED = {**PICTURES, "model": {**PICTURES["model"], "norm": "batch"}}
BOWL = {"function": {"kind": "rosenbrock"}}
EQUATION = {"pde": {"kind": "poisson"}}


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    service = real_service(tmp_path_factory.mktemp("runs"))
    yield RealLab(service)
    service.close()


def look(kind, problem=DIGITS, **fields):
    return {"kind": "analyse", "problem": problem, "analysis": {"kind": kind, **fields}}


REFUSED = {
    "no samples": ("saliency", {"samples": 0}, "analysis.samples", "greater than or equal to 1, got 0"),
    "no examples": ("saliency", {"examples": []}, "analysis.examples", "at least 1"),
    "an example below 0": ("saliency", {"examples": [-1]}, "analysis.examples.0", "greater than or equal to 0"),
    "a class below 0": ("saliency", {"target": -1}, "analysis.target", "greater than or equal to 0, got -1"),
    "no such method": ("saliency", {"method": "magic"}, "analysis.method", "'gradient'"),
    "no noise": ("saliency", {"level": 0}, "analysis.level", "greater than 0, got 0"),
    "gradients of no example": ("gradient_stats", {"examples": 0}, "analysis.examples", "equal to 2, got 0"),
    "a statistic twice": ("gradient_stats", {"statistics": ["coherence"] * 2}, "analysis", "name it once"),
    "a kernel of no example": ("ntk", {"examples": 0}, "analysis.examples", "equal to 2, got 0"),
    "trust of no example": ("saliency_trust", {"examples": []}, "analysis.examples", "at least 2"),
}


@pytest.mark.parametrize(("kind", "fields", "path", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_nobody_can_ask_is_refused_by_field(lab, kind, fields, path, sentence):
    answer = lab.post(look(kind, **fields))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (422, "invalid_request")
    assert [(each["path"], sentence in each["message"]) for each in error["errors"]] == [(path, True)], error
    assert lab.ask("GET", "/api/runs").json()["items"] == []


FAILED = {
    "a class that is not there": (
        look("saliency", target=10), "The network has the outputs 0 to 9, and the target is 10; choose one of these."
    ),
    "an example that is not there": (
        look("saliency", examples=[5000], split="train"), "has 60 examples, 0 to 59, and example 5000 was asked for"
    ),
    "places that a dense net has not": (
        look("saliency", method="grad_cam"), "no layer of this network keeps places apart; take a convolutional network"
    ),
    "a layer that is not there": (
        look("saliency", PICTURES, method="layer_cam", layer=2), "0 to 1, and layer 2 was asked for"
    ),
    "rules of ReLU without one": (
        look("saliency", method="deconvnet"), "the network has none; take a network with ReLU"
    ),
    "frequencies of pictures": (
        look("saliency", PICTURES, method="frequency_integrated_gradients"), "are for signals, rows of samples in time"
    ),
    "frequencies of flattened pictures": (
        look("saliency", method="frequency_integrated_gradients"), "and these are pictures; choose another method"
    ),
    "steps that are not kept": (
        look("gradient_stats", statistics=["update_norm", "opposing"]), "those before step 0 are not kept; switch the"
    ),
    "maps of an equation": (look("saliency", EQUATION), "Saliency needs a network on data"),
    "trust in maps of an equation": (look("saliency_trust", EQUATION), "Saliency needs a network on data"),
    "examples of a function": (look("gradient_stats", BOWL), "this problem has no examples"),
    "slopes beyond the memory": (
        look("ntk", {**DIGITS, "model": {"kind": "mlp", "hidden": [512]}}, examples=60, budget_mb=1),
        "and 1 MB are allowed; ask for at most",
    ),
    "gradients beyond the memory": (
        look("gradient_stats", {**DIGITS, "model": {"kind": "mlp", "hidden": [512, 64]}}, examples=60, budget_mb=1),
        "and 1 MB are allowed; ask for at most",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("body", "sentence"), FAILED.values(), ids=FAILED.keys())
def test_what_a_problem_has_not_fails_with_its_sentence(lab, body, sentence):
    run = lab.play(body, status="failed")
    assert run["error"]["code"] == "unsupported"
    assert sentence in run["error"]["message"]


@pytest.mark.parametrize("kind", ["gradient_stats", "ntk"])
def test_batch_norm_is_frozen_where_gradients_of_single_examples_are_taken(lab, kind):
    """In training its examples mix, and none has a gradient of its own; here it takes the running statistics."""
    run = lab.play(look(kind, NORMED, examples=8))
    (told, *_) = lab.events(run["id"], {"ntk": "kernel"}.get(kind, kind))
    assert told["examples"] == 8


def test_batch_norm_is_frozen_so_that_a_map_does_not_hang_on_who_else_is_explained(lab):
    maps = []
    for chosen in ([1], [0, 1]):
        run = lab.play(look("saliency", NORMED, examples=chosen))
        (found,) = (each for each in lab.events(run["id"], "saliency_map") if each["example"] == 1)
        maps.append(np.frombuffer(base64.b64decode(found["map"]["base64"]), np.float32))
    np.testing.assert_allclose(*maps, rtol=0, atol=1e-6)
    assert float(abs(maps[0]).max()) > 1e-3
