"""Presets are requests as anybody could send them."""

import json

import pytest

from backend.schemas.run import REQUEST, AnalyseRequest, TrainRequest
from frontend.components.draft import Draft, with_family
from frontend.panels.registry import PANELS
from frontend.preset import Preset
from frontend.presets import PRESETS, preset

BY_NAME = {"ids": lambda preset: preset.name}


@pytest.mark.parametrize("chosen", PRESETS, **BY_NAME)
def test_a_preset_is_a_valid_request(chosen: Preset) -> None:
    for request in [chosen.request, *Draft.of(chosen.request, chosen.variants).requests()]:
        assert isinstance(REQUEST.validate_json(json.dumps(request)), TrainRequest)


@pytest.mark.parametrize("chosen", PRESETS, **BY_NAME)
def test_a_preset_takes_a_quarter_or_half_of_a_minute(chosen: Preset) -> None:
    runs = Draft.of(chosen.request, chosen.variants).requests()
    assert 12 <= sum(run["steps"] / run["pace"] for run in runs) <= 30


@pytest.mark.parametrize("chosen", PRESETS, **BY_NAME)
def test_a_preset_shows_its_landscape(chosen: Preset) -> None:
    kinds = {probe["analysis"]["kind"] for probe in chosen.request["probes"]}
    assert kinds >= {"surface", "trajectory"}


def test_the_edge_of_stability_is_that_of_the_paper_s_setting() -> None:
    request = REQUEST.validate_json(json.dumps(preset("edge-of-stability").request))
    assert (request.problem.data.kind, request.problem.data.examples) == ("digits", 500)
    assert (request.problem.model.hidden, request.problem.model.activation) == ((32, 32), "tanh")
    assert (request.problem.loss.kind, request.problem.loss.factor) == ("mse", 0.5)
    assert (request.batch_size, request.dtype) == (None, "float64")
    assert [lane.optimizer.lr for lane in request.lanes] == [0.2, 0.1]
    assert "sharpness" in [probe.analysis.kind for probe in request.probes]


def test_the_first_is_the_race_on_digits() -> None:
    request = REQUEST.validate_json(json.dumps(PRESETS[0].request))
    assert request.problem.data.kind == "digits"
    assert request.problem.model.hidden == (32, 32)
    assert (request.steps, request.batch_size, request.pace) == (300, 128, 20.0)
    rules = [(lane.optimizer.kind, lane.optimizer.lr) for lane in request.lanes]
    assert rules == [("sgd", 0.1), ("sgd", 0.1), ("rmsprop", 0.001), ("adam", 0.001)]
    assert request.lanes[1].optimizer.momentum == 0.9


def test_names_are_their_own_and_found() -> None:
    assert len({chosen.name for chosen in PRESETS}) == len(PRESETS)
    assert all(preset(chosen.name) is chosen for chosen in PRESETS)


def test_choices_are_those_of_panels() -> None:
    known = {
        f"{view.panel.name}.{choice.name}": [option.value for option in choice.options]
        for view in PANELS
        for choice in view.panel.choices
    }
    for chosen in PRESETS:
        for key, value in chosen.choices.items():
            assert value in known[key]


ALSO = [chosen for chosen in PRESETS if chosen.also]


@pytest.mark.parametrize("chosen", ALSO, **BY_NAME)
def test_what_starts_along_is_of_the_race_s_own_rules(chosen: Preset) -> None:
    draft = Draft.of(chosen.request, chosen.variants, chosen.choices, chosen.also)
    for kept in (draft, Draft.from_store(draft.store())):
        analyses = kept.analyses()
        assert len(analyses) == len(chosen.also)
        for request in analyses:
            asked = REQUEST.validate_json(json.dumps(request))
            race = REQUEST.validate_json(json.dumps(draft.requests()[0]))
            assert isinstance(asked, AnalyseRequest)
            assert asked.problem == race.problem
            assert [rule.optimizer for rule in asked.analysis.rules] == [lane.optimizer for lane in race.lanes]


def test_basins_and_the_sweep_are_one_click_away() -> None:
    assert {analysis["kind"] for chosen in ALSO for analysis in chosen.also} == {"basin", "sweep"}
    changed = with_family(Draft.of(ALSO[0].request, also=ALSO[0].also), "data")
    assert changed.analyses() == []


def test_six_rules_are_ranked_over_four_seeds() -> None:
    request = REQUEST.validate_json(json.dumps(preset("six-rules").request))
    assert (len(request.lanes), request.repeats) == (6, 4)
    assert "sam" in {lane.optimizer.kind for lane in request.lanes}  # two gradients a step: ranks may differ
