"""The set-up as plain values: what is asked for is what is sent."""

from dataclasses import replace
from typing import Any

import pytest
from form_reader import answers
from pydantic import ValidationError

from backend.schemas.errors import field_errors
from backend.schemas.run import REQUEST, TrainRequest
from frontend.components.draft import (
    ANALYSES,
    MOST_LANES,
    Draft,
    with_family,
    with_kind,
    with_kinds,
    with_lane,
    without_lane,
)
from frontend.components.spec_fields import UNIONS, kind_of
from frontend.pages.lab_callbacks import draw
from frontend.preset import Preset
from frontend.presets import PRESETS, preset

BY_NAME = {"ids": lambda preset: preset.name}


def form_of(draft: Draft) -> list[Any]:
    return list(draw(draft)[:-1])


@pytest.mark.parametrize("preset", PRESETS, **BY_NAME)
def test_the_form_asks_for_what_the_preset_says(preset: Preset) -> None:
    draft = Draft.of(preset.request, preset.variants)
    told = draft.answered([(path, value) for path, value in answers(form_of(draft)) if not path.endswith(".kind")])
    asked = [REQUEST.validate_python(request, strict=False) for request in draft.requests()]
    assert [REQUEST.validate_python(request, strict=False) for request in told.requests()] == asked


def test_the_store_keeps_the_draft() -> None:
    draft = Draft.of(PRESETS[3].request, PRESETS[3].variants, PRESETS[3].choices)
    assert Draft.from_store(draft.store()) == draft


def test_what_has_no_control_is_sent_as_it_came() -> None:
    request = TrainRequest(origin={"run": "0" * 15, "lane": None, "step": 3, "repeat": 0}).model_dump(mode="json")
    draft = Draft.of(request)
    assert draft.answered(answers(form_of(draft))).requests()[0]["origin"] == request["origin"]


def test_an_analysis_that_is_off_is_not_sent() -> None:
    draft = Draft.of(PRESETS[0].request)
    sent = draft.answered([("on.surface", False)]).requests()[0]
    assert [probe["analysis"]["kind"] for probe in sent["probes"]] == ["trajectory"]


def test_analyses_share_the_plane() -> None:
    draft = with_kind(Draft.of(PRESETS[0].request), "probes.0.analysis.plane", "random")
    planes = [probe["analysis"]["plane"]["kind"] for probe in draft.requests()[0]["probes"]]
    assert planes == ["random", "random"]


def test_sharpness_is_on_no_plane_and_has_its_own_share_of_the_data() -> None:
    draft = Draft.of(preset("edge-of-stability").request)
    (index,) = (i for i, kind in enumerate(ANALYSES) if kind == "sharpness")
    answered = draft.answered([("probes.0.analysis.data_fraction", 0.5), (f"probes.{index}.analysis.k", 3)])
    sent = {probe["analysis"]["kind"]: probe["analysis"] for probe in answered.requests()[0]["probes"]}
    assert (sent["surface"]["data_fraction"], sent["trajectory"]["data_fraction"]) == (0.5, 0.5)
    assert (sent["sharpness"]["data_fraction"], sent["sharpness"]["k"]) == (1.0, 3)
    assert "plane" not in sent["sharpness"]
    alone = draft.answered([("on.surface", False), ("on.trajectory", False)])
    assert alone.field_path("probes.0.analysis.data_fraction") == f"probes.{index}.analysis.data_fraction"


def test_an_error_finds_the_field_of_the_form() -> None:
    draft = Draft.of(PRESETS[0].request).answered([("on.surface", False), ("probes.1.every", 0)])
    request = draft.requests()[0]
    with pytest.raises(ValidationError) as refused:
        REQUEST.validate_python(request, strict=False)
    paths = [error.path for error in field_errors(refused.value, request)]
    assert paths == ["probes.0.every"]
    assert draft.field_path(paths[0]) == "probes.1.every"
    assert draft.field_path("probes.0.analysis.plane.kind") == "probes.0.analysis.plane.kind"
    assert draft.field_path("lanes.0.optimizer.lr") == "lanes.0.optimizer.lr"


@pytest.mark.parametrize("data", [kind_of(spec) for spec in UNIONS["data"]])
@pytest.mark.parametrize("before", ["digits", "chebyshev", "moons"])
def test_any_data_can_follow_any_other(before: str, data: str) -> None:
    draft = with_kind(with_kind(Draft.of(PRESETS[0].request), "problem.data", before), "problem.model", "mlp")
    changed = with_kind(draft, "problem.data", data)
    assert REQUEST.validate_python(changed.requests()[0], strict=False).problem.data.kind == data


def test_a_presets_name_goes_with_its_problem_and_a_name_of_ones_own_stays() -> None:
    first = Draft.of(PRESETS[0].request)
    own = replace(first, request={**first.request, "name": "mine"})
    changes = (
        lambda draft: with_family(draft, "function"),
        lambda draft: with_family(draft, "pde"),
        lambda draft: with_kind(draft, "problem.data", "spirals"),
    )
    for change in changes:
        assert change(first).request["name"] == ""
        assert change(own).request["name"] == "mine"
    assert with_kind(first, "problem.loss", "mse").request["name"] == PRESETS[0].request["name"]
    assert with_kind(first, "lanes.0.optimizer", "adam").request["name"] == PRESETS[0].request["name"]


@pytest.mark.parametrize("family", ["data", "function", "pde"])
def test_either_family_of_problems_can_be_started(family: str) -> None:
    assert REQUEST.validate_python(with_family(Draft.of(PRESETS[0].request), family).requests()[0], strict=False)


def test_lanes_come_and_go_with_names_of_their_own() -> None:
    draft = Draft.of(PRESETS[0].request)
    for _ in range(MOST_LANES):
        draft = with_lane(draft, 0)
    names = [lane["name"] for lane in draft.request["lanes"]]
    assert len(names) == len(set(names)) == MOST_LANES
    for _ in range(MOST_LANES):
        draft = without_lane(draft, 0)
    assert len(draft.request["lanes"]) == 1


def test_a_lane_named_by_its_rule_follows_it() -> None:
    draft = with_kind(Draft.of(PRESETS[0].request), "lanes.0.optimizer", "adam")
    assert [lane["name"] for lane in draft.request["lanes"]] == ["Adam 2", "Momentum", "RMSProp", "Adam"]
    kept = with_kind(Draft.of(PRESETS[0].request), "lanes.1.optimizer", "adagrad")
    assert kept.request["lanes"][1]["name"] == "Momentum"


def test_variants_are_runs_that_differ_where_they_say() -> None:
    spirals = next(preset for preset in PRESETS if preset.variants)
    sent = Draft.of(spirals.request, spirals.variants).requests()
    assert [request["problem"]["model"]["hidden"] for request in sent] == [
        variant["problem.model.hidden"] for variant in spirals.variants
    ]
    assert len({request["name"] for request in sent}) == len(sent)


def test_every_analysis_has_its_place() -> None:
    draft = Draft.of(TrainRequest().model_dump(mode="json"))
    assert [probe["analysis"]["kind"] for probe in draft.request["probes"]] == list(ANALYSES)
    assert draft.requests()[0]["probes"] == []


def test_variants_outlive_a_change_that_leaves_what_they_differ_in() -> None:
    spirals = next(preset for preset in PRESETS if preset.name == "spirals-three-widths")
    draft = Draft.of(spirals.request, spirals.variants)
    for changed in (
        with_kind(draft, "lanes.0.optimizer", "sgd"),
        with_lane(draft),
        with_kinds(draft, "lanes.0.filters", ["clip"]),
    ):
        widths = [request["problem"]["model"]["hidden"] for request in changed.requests()]
        assert widths == [[2, 2], [8, 8], [32, 32]]
        assert all(request["lanes"] == changed.request["lanes"] for request in changed.requests())
    batches = next(preset for preset in PRESETS if any("batch_size" in variant for variant in preset.variants))
    for gone in (draft, Draft.of(batches.request, batches.variants)):  # a function has no layers, and no batches
        assert (with_family(gone, "function").variants, len(with_family(gone, "function").requests())) == ((), 1)


def test_variants_of_lanes_do_not_outlive_a_lane() -> None:
    draft = with_lane(
        Draft.of({"kind": "train"}, [{"name": "a", "lanes.1.name": "x"}, {"name": "b", "lanes.1.name": "y"}])
    )
    assert len(with_lane(draft).requests()) == 2
    assert without_lane(draft, 0).variants == ()
