"""Every spec has a whole form: a labelled control a field with help and bounds, and its values come back."""

from typing import Any

import pytest
from form_reader import answers, controls, description_of, label_of, walk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from backend.schemas.optimizer import OPTIMIZER_KINDS
from backend.schemas.run import Lane, Probe, SnapshotPolicy, TrainRequest
from frontend.components.answers import overlay, write_number
from frontend.components.spec_fields import MEMBERS, UNIONS, default_of, fields_of, kind_of, member_of
from frontend.components.spec_form import kind_select, slider_span, spec_form
from tests.schemas.instances import instances

SPECS = tuple(MEMBERS.values())
PARTS = (*SPECS, SnapshotPolicy, Probe, TrainRequest)
BY_NAME = {"ids": lambda spec: spec.__name__}
RAW = ("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")


@pytest.mark.parametrize("spec", SPECS, **BY_NAME)
def test_every_field_has_a_control(spec: type[BaseModel]) -> None:
    found = controls(spec_form(spec, default_of(spec), "spec"))
    for name in spec.model_fields:
        if name == "rules":  # the lanes that "New picture" is asked for with
            continue
        assert name == "kind" or any(path == f"spec.{name}" or path == f"spec.{name}.kind" for path in found), name


@pytest.mark.parametrize("spec", PARTS, **BY_NAME)
def test_every_control_is_labelled_and_explained(spec: type[BaseModel]) -> None:
    for path, control in controls(spec_form(spec, default_of(spec), "spec")).items():
        assert label_of(control), path
        assert description_of(control), path


@pytest.mark.parametrize("spec", SPECS, **BY_NAME)
def test_help_and_bounds_are_the_spec_s_own(spec: type[BaseModel]) -> None:
    found = controls(spec_form(spec, default_of(spec), "spec"))
    for name, schema in spec.model_json_schema()["properties"].items():
        if f"spec.{name}" not in found:
            continue
        said = description_of(found[f"spec.{name}"])
        assert schema["description"] in said
        for key in RAW:
            if key in schema:
                assert write_number(schema[key]) in said, (name, key)


@pytest.mark.parametrize("spec", PARTS, **BY_NAME)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_values_come_back(spec: type[BaseModel], data: Any) -> None:
    value = data.draw(instances(spec)).model_dump(mode="json")
    form = spec_form(spec, value, "spec")
    read = overlay({"spec": value}, answers(form))["spec"]
    assert read == value
    assert spec.model_validate_json(spec.model_construct(**read).model_dump_json(warnings=False)) is not None


def test_a_slider_stays_within_the_bounds() -> None:
    for spec in UNIONS["optimizer"]:
        rate = next(field for field in fields_of(spec) if field.name == "lr")
        low, high = slider_span(rate)
        assert rate.low is not None
        assert rate.high is not None
        assert rate.low < 10**low < rate.default < 10**high <= rate.high


def test_a_log_scaled_field_gets_a_slider_on_demand() -> None:
    spec = member_of("optimizer", "adam")
    form = spec_form(spec, default_of(spec), "lanes.0.optimizer", only=("lr",), sliders=("lr",))
    sliders = [
        part for part in walk(form) if isinstance(getattr(part, "id", None), dict) and part.id["type"] == "slider"
    ]
    assert [slider.id["path"] for slider in sliders] == ["lanes.0.optimizer.lr"]
    assert sliders[0].value == pytest.approx(-3.0)
    assert controls(form)["lanes.0.optimizer.lr"].value == "0.001"


def test_a_field_s_place_is_the_one_asked_for() -> None:
    form = spec_form(TrainRequest, default_of(TrainRequest), "", only=("steps", "seed", "pace"))
    assert list(controls(form)) == ["steps", "seed", "pace"]


def test_a_union_offers_every_member_under_its_own_title() -> None:
    plane = next(field for field in fields_of(member_of("analysis", "surface")) if field.name == "plane")
    assert [tag for tag, _ in plane.members] == [kind_of(spec) for spec in UNIONS["plane"]]


def test_a_long_list_is_grouped_and_searched() -> None:
    field = next(field for field in fields_of(Lane) if field.name == "optimizer")
    select = kind_select(field, "adam", "lanes.0.optimizer")
    listed = [item["value"] for group in select.data for item in group["items"]]
    assert select.searchable
    assert sorted(listed) == sorted(kind_of(rule) for rule in OPTIMIZER_KINDS)
    assert len({group["group"] for group in select.data}) == len(select.data) > 3
    other = next(field for field in fields_of(Lane) if field.name == "schedule")
    assert not kind_select(other, "constant", "lanes.0.schedule").searchable
