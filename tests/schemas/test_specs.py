"""Every spec describes itself: defaults, bounds, help, and what form, docs and catalog are made from."""

import json
import types
import typing
from typing import Any, Literal, get_args, get_origin

import annotated_types as bounds
import pytest
from instances import subclasses
from jsonschema import Draft202012Validator
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from backend.schemas.analysis import ANALYSIS_KINDS
from backend.schemas.analysis.plane import PLANE_KINDS
from backend.schemas.base import SpecModel
from backend.schemas.control import CONTROL
from backend.schemas.optimizer import FILTER_KINDS, OPTIMIZER_KINDS, SgdOptimizer
from backend.schemas.optimizer.schedule import SCHEDULE_KINDS, CosineSchedule
from backend.schemas.point import CheckpointPoint, InitPoint, PlanePoint, RunPoint
from backend.schemas.problem import DataProblem, FunctionProblem
from backend.schemas.problem.data import DATA_KINDS
from backend.schemas.problem.function import FUNCTION_KINDS
from backend.schemas.problem.loss import LOSS_KINDS
from backend.schemas.problem.model import MODEL_KINDS
from backend.schemas.problem.pde import ANSATZ_KINDS, PDE_KINDS
from backend.schemas.run import REQUEST, AnalyseRequest, TrainRequest

SPECS = list(subclasses(SpecModel))
WITH_EQUATION = (
    *PDE_KINDS,
    *ANSATZ_KINDS,
    *OPTIMIZER_KINDS,
    *FILTER_KINDS,
    *SCHEDULE_KINDS,
    *LOSS_KINDS,
    *FUNCTION_KINDS,
    *ANALYSIS_KINDS,
)
WITH_REFERENCE = (
    *PDE_KINDS,
    *ANSATZ_KINDS,
    *OPTIMIZER_KINDS,
    *FILTER_KINDS,
    *DATA_KINDS,
    *FUNCTION_KINDS,
    *MODEL_KINDS,
    *PLANE_KINDS,
    *ANALYSIS_KINDS,
)
KINDS = tuple(dict.fromkeys((*WITH_EQUATION, *WITH_REFERENCE)))
FIELDS = [pytest.param(model, name, id=f"{model.__name__}.{name}") for model in SPECS for name in model.model_fields]
ABSTRACT = {"OptimizerSpec"}  # its lr is described by each rule, with that rule's default
BOUNDED_ELSEWHERE = {"Set.value"}  # the hyper-parameter that it sets has its own bounds
NUMBERS = (int, float)


def own(model: type[BaseModel], name: str) -> FieldInfo:
    return model.model_fields[name]


def numbers(annotation: Any, metadata: list[Any]) -> list[list[Any]]:
    """The metadata that bounds each number inside an annotation."""
    if get_origin(annotation) is typing.Annotated:
        inner, *more = get_args(annotation)
        return numbers(inner, [*metadata, *(m for each in more for m in getattr(each, "metadata", [each]))])
    if annotation in NUMBERS:
        return [metadata]
    if get_origin(annotation) is tuple:
        return [found for each in get_args(annotation) for found in numbers(each, [])]
    if get_origin(annotation) in (typing.Union, types.UnionType):
        return [found for each in get_args(annotation) for found in numbers(each, metadata)]
    return []


@pytest.mark.parametrize(("model", "name"), FIELDS)
def test_every_field_has_a_default_help_and_bounds(model: type[SpecModel], name: str) -> None:
    info = own(model, name)
    if model.__name__ in ABSTRACT:
        assert model.__subclasses__(), "only a base may leave a field undescribed"
        return
    assert not info.is_required(), "expected a default, so that a form and an example can always be made"
    assert info.description, "expected a help sentence"
    assert info.description.endswith("."), "a help sentence ends with a full stop"
    if f"{model.__name__}.{name}" not in BOUNDED_ELSEWHERE:
        for metadata in numbers(info.annotation, list(info.metadata)):
            assert any(isinstance(each, bounds.Gt | bounds.Ge) for each in metadata), "expected a lower bound"


@pytest.mark.parametrize(
    "model", [each for each in SPECS if each.__name__ not in ABSTRACT and not each.__subclasses__()]
)
def test_every_spec_can_be_made_from_nothing_but_what_has_no_default(model: type[SpecModel]) -> None:
    if model is AnalyseRequest:  # an analysis must be somewhere
        made: SpecModel = AnalyseRequest(problem=DataProblem())
    else:
        made = model()
    assert type(made).decode(made.encode()) == made


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_presents_itself(kind: Any) -> None:
    assert kind.title
    assert kind.summary.endswith(".")
    assert len(kind.summary) <= 110, "a summary fits on one line of a menu"
    tag = own(kind, "kind")
    assert get_origin(tag.annotation) is Literal
    assert get_args(tag.annotation) == (tag.default,)


@pytest.mark.parametrize("kind", WITH_EQUATION, ids=lambda kind: kind.__name__)
def test_every_rule_states_its_equation(kind: Any) -> None:
    assert "=" in kind.equation or "←" in kind.equation


@pytest.mark.parametrize("kind", WITH_REFERENCE, ids=lambda kind: kind.__name__)
def test_every_kind_says_where_it_comes_from(kind: Any) -> None:
    assert len(kind.reference) > 10


def test_kinds_and_titles_are_unique_within_a_family() -> None:
    for family in (
        OPTIMIZER_KINDS,
        FILTER_KINDS,
        SCHEDULE_KINDS,
        LOSS_KINDS,
        DATA_KINDS,
        FUNCTION_KINDS,
        MODEL_KINDS,
        PLANE_KINDS,
    ):
        tags = [own(kind, "kind").default for kind in family]
        titles = [kind.title for kind in family]
        assert len(set(tags)) == len(set(titles)) == len(family)


@pytest.mark.parametrize("kind", OPTIMIZER_KINDS, ids=lambda kind: kind.__name__)
def test_live_hyper_parameters_are_fields(kind: Any) -> None:
    assert "lr" in kind.live
    assert set(kind.live) <= set(kind.model_fields)
    assert kind.defaults_from


@pytest.mark.parametrize("kind", FUNCTION_KINDS, ids=lambda kind: kind.__name__)
def test_functions_start_inside_their_view(kind: Any) -> None:
    start = kind().start
    assert all(low <= at <= high for at, (low, high) in zip(start, kind.view, strict=True))


@pytest.mark.parametrize("kind", DATA_KINDS, ids=lambda kind: kind.__name__)
def test_classes_and_images_are_stated(kind: Any) -> None:
    assert kind.classes is None or kind.classes >= 2
    assert kind.image is None or len(kind.image) == 3


SCHEMAS = {
    "request": REQUEST.json_schema(), "control": CONTROL.json_schema(),
    **{model.__name__: model.model_json_schema()
       for model in
       (*KINDS, TrainRequest, AnalyseRequest, RunPoint, InitPoint, PlanePoint, CheckpointPoint, DataProblem,
        FunctionProblem)},
}  # fmt: skip


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_json_schema(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize(
    "request_",
    [TrainRequest(), AnalyseRequest(problem=FunctionProblem()), AnalyseRequest(at=(RunPoint(), PlanePoint()))],
    ids=["train", "analyse-function", "analyse-points"],
)
def test_valid_requests_pass_their_schema_and_unknown_fields_do_not(request_: TrainRequest | AnalyseRequest) -> None:
    check = Draft202012Validator(SCHEMAS["request"])
    plain = request_.to_json()
    assert not list(check.iter_errors(plain))
    assert list(check.iter_errors({**plain, "colour": "red"}))


def test_help_units_and_bounds_reach_the_schema() -> None:
    fields = SgdOptimizer.model_json_schema()["properties"]
    assert fields["lr"] == {
        "title": "Learning rate", "description": "Learning rate η: the size of a step.", "type": "number",
        "default": 0.1, "exclusiveMinimum": 0.0, "maximum": 10_000.0, "scale": "log",
    }  # fmt: skip
    assert CosineSchedule.model_json_schema()["properties"]["warmup"]["unit"] == "steps"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.1", True, None, [0.1]])
def test_numbers_are_finite_numbers(value: Any) -> None:
    with pytest.raises(ValidationError):
        SgdOptimizer(lr=value)


def test_a_tagged_value_needs_its_tag() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(TrainRequest).validate_json('{"lanes": [{"optimizer": {"lr": 0.1}}]}')


@pytest.mark.parametrize("tag", ["a", "two words", "η = 0.1", "x" * 40])
def test_tags_are_short_words(tag: str) -> None:
    assert TrainRequest(tags=(tag,)).tags == (tag,)


@pytest.mark.parametrize("tag", ["", " ", " a", "a ", "a,b", ",", "a\nb", "\r", "x" * 41])
def test_other_tags_are_refused(tag: str) -> None:
    with pytest.raises(ValidationError):
        TrainRequest(tags=(tag,))


@pytest.mark.parametrize("given", [{}, {"dtype": "float32"}, {"dtype": "float64"}])
@pytest.mark.parametrize("kind", ["train", "analyse"])
@pytest.mark.parametrize("problem", [{"pde": {"kind": "heat"}}, {"function": {"kind": "beale"}}])
def test_equations_are_solved_in_double_precision_unless_told_otherwise(problem, kind, given) -> None:
    request = REQUEST.validate_json(json.dumps({"kind": kind, "problem": problem, **given}))
    assert request.dtype == given.get("dtype", "float64" if "pde" in problem else "float32")
    assert REQUEST.validate_json(request.encode()) == request


def test_a_batch_has_at_most_all_points_of_an_equation() -> None:
    body = {"kind": "train", "problem": {"pde": {"kind": "poisson", "points": 50}}, "batch_size": 51}
    with pytest.raises(ValidationError, match="at most the 50 training examples, got 51"):
        REQUEST.validate_json(json.dumps(body))
