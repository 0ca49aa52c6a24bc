"""Every message of every union survives the wire, NaN and infinities and empty arrays included."""

import json
import pickle
from typing import Any, Union, get_args, get_origin

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from instances import instances, same, subclasses
from pydantic import BaseModel, TypeAdapter, ValidationError

from backend.schemas.analysis import ANALYSIS_KINDS, AnyAnalysis, AnyPlane
from backend.schemas.analysis.plane import PLANE_KINDS
from backend.schemas.base import SpecModel, WireModel
from backend.schemas.catalog import Catalog
from backend.schemas.control import CONTROL, AnyControl
from backend.schemas.events import EVENT, EVENT_KINDS, AnyEvent, Envelope, Eval, PathPoints, SurfaceTile, TrainChunk
from backend.schemas.events.base import Event
from backend.schemas.optimizer import OPTIMIZER_KINDS, AnyOptimizer, AnySchedule
from backend.schemas.optimizer.schedule import SCHEDULE_KINDS
from backend.schemas.point import AnyPoint
from backend.schemas.problem import AnyProblem
from backend.schemas.problem.data import DATA_KINDS, AnyData
from backend.schemas.problem.function import FUNCTION_KINDS, AnyFunction
from backend.schemas.problem.loss import LOSS_KINDS, AnyLoss
from backend.schemas.problem.model import MODEL_KINDS, AnyModel
from backend.schemas.run import REQUEST, AnyRequest, Run

UNIONS: dict[str, Any] = {
    "event": AnyEvent, "request": AnyRequest, "control": AnyControl, "point": AnyPoint, "problem": AnyProblem,
    "data": AnyData, "model": AnyModel, "loss": AnyLoss, "function": AnyFunction, "optimizer": AnyOptimizer,
    "schedule": AnySchedule, "analysis": AnyAnalysis, "plane": AnyPlane,
}  # fmt: skip


def members(union: Any) -> tuple[type[BaseModel], ...]:
    """The classes of an annotated union."""
    bare = get_args(union)[0]
    each = get_args(bare) if get_origin(bare) is Union or len(get_args(bare)) > 1 else (bare,)
    return tuple(get_args(one)[0] if get_origin(one) is not None else one for one in each)


def test_the_catalog_and_the_run_are_among_the_messages() -> None:
    assert {Catalog, Run, Envelope} <= set(leaves())


def leaves() -> list[type[WireModel]]:
    """Every message class that nothing is derived from."""
    return [model for model in subclasses(WireModel) if not model.__subclasses__()]  # type: ignore[misc]


CASES = [pytest.param(union, member, id=f"{name}-{member.__name__}")
         for name, union in UNIONS.items() for member in members(union)]  # fmt: skip


@pytest.mark.parametrize(("union", "member"), CASES)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(data=st.data())
def test_members_round_trip_through_their_union(union: Any, member: type[WireModel], data: st.DataObject) -> None:
    message = data.draw(instances(member))
    adapter: TypeAdapter[Any] = TypeAdapter(union)
    text = message.encode()
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
    assert same(adapter.validate_json(text), message)
    assert same(member.decode(text), message)
    assert adapter.validate_json(text).encode() == text
    assert same(pickle.loads(pickle.dumps(message)), message), "messages cross the workers' pipes"


@pytest.mark.parametrize("model", leaves(), ids=lambda model: model.__name__)
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(data=st.data())
def test_every_message_round_trips_alone(model: type[WireModel], data: st.DataObject) -> None:
    message = data.draw(instances(model))
    assert same(model.decode(message.encode()), message)
    assert message.to_json() == json.loads(message.encode())


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(envelope=instances(Envelope))
def test_an_envelope_keeps_its_event(envelope: Envelope) -> None:
    assert same(Envelope.decode(envelope.encode()), envelope)
    assert json.loads(envelope.encode())["event"] == envelope.event.to_json()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_divergence_survives_at_every_depth(value: float) -> None:
    column = np.array([1.0, value], np.float32)
    tile = SurfaceTile(
        plane="p", level=5, a=column, b=column, loss=np.full((2, 2), value), stderr=np.empty((0, 2)), bound=value,
        data_fraction=1.0, final=False,
    )  # fmt: skip
    chunk = TrainChunk(lane="SGD", step=np.empty(0, np.int32), loss=column, grad_norm=column, lr=column, seconds=column)
    path = PathPoints(plane="p", step=np.arange(2, dtype=np.int32), a=column, b=column, off_plane=column, loss=column)
    for event in (tile, chunk, path, Eval(split="test", loss=value, accuracy=value)):
        envelope = Envelope(run="r", seq=1, at="now", event=event)
        assert same(Envelope.decode(envelope.encode()).event, event)


def test_the_tables_of_kinds_are_the_unions() -> None:
    tables = {
        "event": EVENT_KINDS, "optimizer": OPTIMIZER_KINDS, "schedule": SCHEDULE_KINDS, "analysis": ANALYSIS_KINDS,
        "plane": PLANE_KINDS, "data": DATA_KINDS, "function": FUNCTION_KINDS, "loss": LOSS_KINDS, "model": MODEL_KINDS,
    }  # fmt: skip
    for name, table in tables.items():
        assert table == members(UNIONS[name]), name


def test_every_event_class_is_in_the_union() -> None:
    defined = {model for model in subclasses(Event) if "kind" in model.model_fields}
    assert defined == set(members(AnyEvent))


@pytest.mark.parametrize("model", [WireModel, *subclasses(WireModel)], ids=lambda model: model.__name__)
def test_messages_are_frozen_closed_and_documented(model: type[WireModel]) -> None:
    assert model.model_config["frozen"]
    assert model.model_config["extra"] == "forbid"
    assert model.model_config["ser_json_inf_nan"] == "strings"
    assert (model.__doc__ or "").strip(), f"{model.__name__} says nothing about itself"


def test_a_message_cannot_be_changed_or_widened() -> None:
    event = Eval(split="train", loss=1.0, accuracy=None)
    with pytest.raises(ValidationError, match="frozen"):
        event.loss = 2.0  # type: ignore[misc]
    with pytest.raises(ValidationError, match="extra"):
        Eval(split="train", loss=1.0, accuracy=None, colour="red")  # type: ignore[call-arg]


@pytest.mark.parametrize("adapter", [REQUEST, CONTROL, EVENT], ids=["request", "control", "event"])
def test_an_unknown_tag_is_refused(adapter: TypeAdapter[Any]) -> None:
    with pytest.raises(ValidationError):
        adapter.validate_python({"kind": "nonsense", "action": "nonsense"})


def test_only_specs_refuse_not_finite_numbers() -> None:
    assert {model for model in subclasses(WireModel) if model.model_config.get("allow_inf_nan") is False} == {
        SpecModel, *subclasses(SpecModel),
    }  # fmt: skip
