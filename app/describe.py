"""``gradscape describe``: what a request may hold, printed from the specs' own JSON schemas."""

import json

from pydantic import BaseModel

from backend.schemas import facts
from backend.schemas.analysis import ANALYSIS_KINDS
from backend.schemas.analysis.plane import PLANE_KINDS
from backend.schemas.control import Cancel, Pause, Resume, Set, Step
from backend.schemas.optimizer import FILTER_KINDS, OPTIMIZER_KINDS
from backend.schemas.optimizer.schedule import SCHEDULE_KINDS
from backend.schemas.point import CheckpointPoint, InitPoint, PlanePoint, RunPoint
from backend.schemas.problem import CustomProblem, DataProblem, FunctionProblem, PdeProblem
from backend.schemas.problem.data import DATA_KINDS
from backend.schemas.problem.function import FUNCTION_KINDS
from backend.schemas.problem.loss import LOSS_KINDS
from backend.schemas.problem.model import MODEL_KINDS
from backend.schemas.problem.pde import ANSATZ_KINDS, PDE_KINDS
from backend.schemas.run import AnalyseRequest, Lane, Probe, SnapshotPolicy, TrainRequest

Kinds = dict[str, type[BaseModel]]


def _by_kind(classes: tuple[type[BaseModel], ...], tag: str = "kind") -> Kinds:
    return {str(each.model_fields[tag].default): each for each in classes}


FAMILIES: dict[str, Kinds] = {
    "request": _by_kind((TrainRequest, AnalyseRequest)),
    "part": {"lane": Lane, "probe": Probe, "snapshots": SnapshotPolicy},
    "problem": {"data": DataProblem, "function": FunctionProblem, "pde": PdeProblem, "custom": CustomProblem},
    "point": {"run": RunPoint, "init": InitPoint, "plane": PlanePoint, "checkpoint": CheckpointPoint},
    "data": _by_kind(DATA_KINDS),
    "function": _by_kind(FUNCTION_KINDS),
    "pde": _by_kind(PDE_KINDS),
    "ansatz": _by_kind(ANSATZ_KINDS),
    "model": _by_kind(MODEL_KINDS),
    "loss": _by_kind(LOSS_KINDS),
    "optimizer": _by_kind(OPTIMIZER_KINDS),
    "schedule": _by_kind(SCHEDULE_KINDS),
    "filter": _by_kind(FILTER_KINDS),
    "analysis": _by_kind(ANALYSIS_KINDS),
    "plane": _by_kind(PLANE_KINDS),
    "control": _by_kind((Pause, Resume, Step, Set, Cancel), "action"),
}


class UnknownName(ValueError):
    """No such family or kind; the sentence lists what there is."""


def _field(name: str, field: facts.Schema, definitions: facts.Schema) -> str:
    start = facts.default(field)
    said = (facts.takes(field, definitions), facts.bounds(field), field.get("unit", ""), start and f"default {start}")
    head = f"  {name:<14} {'; '.join(fact for fact in said if fact)}"
    text = field.get("description", "")
    return f"{head}\n  {'':<14} {text}" if text else head


def _overview() -> str:
    rows = [f"  {family:<10} {' · '.join(kinds)}" for family, kinds in FAMILIES.items()]
    return "\n".join(["What a request is made of; gradscape describe FAMILY KIND says more.", "", *rows])


def describe(family: str | None = None, kind: str | None = None, *, as_json: bool = False) -> str:
    """Write the help of a family or of one of its kinds.

    Args:
        family: a name of ``FAMILIES``; None lists them all.
        kind: a member of the family; None lists its members.
        as_json: the JSON Schema instead of a text.

    Returns:
        Lines of text, or JSON.

    Raises:
        UnknownName: where there is no such family or kind.
    """
    if family is None:
        return json.dumps({name: list(kinds) for name, kinds in FAMILIES.items()}) if as_json else _overview()
    if family not in FAMILIES:
        raise UnknownName(f"expected a family of {', '.join(FAMILIES)}, got {family!r}")
    kinds = FAMILIES[family]
    if kind is None:
        if as_json:
            return json.dumps({name: each.model_json_schema() for name, each in kinds.items()}, ensure_ascii=False)
        return "\n".join(f"  {name:<16} {_summary(each)}" for name, each in kinds.items())
    if kind not in kinds:
        raise UnknownName(f"expected a {family} of {', '.join(kinds)}, got {kind!r}")
    schema = kinds[kind].model_json_schema()
    if as_json:
        return json.dumps(schema, indent=2, ensure_ascii=False)
    lines = [f"{family} {kind}: {_summary(kinds[kind])}", ""]
    return "\n".join(
        lines + [_field(name, each, schema.get("$defs", {})) for name, each in schema.get("properties", {}).items()]
    )


def _summary(model: type[BaseModel]) -> str:
    """Take the class's own summary, or where it declares none (requests, parts) the first line of its docstring."""
    return str(getattr(model, "summary", "") or (model.__doc__ or "").strip().splitlines()[0])
