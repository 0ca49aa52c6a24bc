"""What a spec's JSON schema says about each field: its label, help, bounds, unit, and how its answer is read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from backend.schemas.analysis import ANALYSIS_KINDS, LINE_KINDS
from backend.schemas.analysis.plane import PLANE_KINDS
from backend.schemas.analysis.saliency import METHOD_TITLES
from backend.schemas.optimizer import FILTER_KINDS, OPTIMIZER_KINDS
from backend.schemas.optimizer.schedule import SCHEDULE_KINDS
from backend.schemas.problem.data import DATA_KINDS
from backend.schemas.problem.function import FUNCTION_KINDS
from backend.schemas.problem.loss import LOSS_KINDS
from backend.schemas.problem.model import MODEL_KINDS
from backend.schemas.problem.pde import ANSATZ_KINDS, PDE_KINDS
from backend.schemas.run import SnapshotPolicy
from frontend.components.answers import write_number

Schema = Mapping[str, Any]
UNIONS: Mapping[str, tuple[Any, ...]] = {  # by the name of the field that holds one
    "data": DATA_KINDS,
    "function": FUNCTION_KINDS,
    "model": MODEL_KINDS,
    "loss": LOSS_KINDS,
    "pde": PDE_KINDS,
    "ansatz": ANSATZ_KINDS,
    "optimizer": OPTIMIZER_KINDS,
    "schedule": SCHEDULE_KINDS,
    "filters": FILTER_KINDS,
    "plane": PLANE_KINDS,
    "line": LINE_KINDS,
    "analysis": ANALYSIS_KINDS,
}
MEMBERS: Mapping[str, Any] = {member.__name__: member for family in UNIONS.values() for member in family}
NESTED: Mapping[str, type[BaseModel]] = {part.__name__: part for part in (SnapshotPolicy,)}
TITLES: Mapping[Any, str] = dict(METHOD_TITLES)  # of values that have a name of their own in the field
READS_LIST = {"integer": "integers", "number": "numbers", "string": "texts"}


@dataclass(frozen=True)
class Choice:
    """One of several answers: its value, and what it is called."""

    value: Any
    label: str
    summary: str = ""
    group: str = ""  # the heading that it is listed under, in long lists


@dataclass(frozen=True)
class SpecField:
    """A field of a spec, as a form needs it.

    ``reads`` names how the answer is read (``components.answers.READERS``), or is ``flag`` for a switch, ``union`` for
    a choice between specs and ``nested`` for a spec of its own.
    """

    name: str
    label: str
    help: str
    unit: str | None
    reads: str
    default: Any
    nullable: bool
    log: bool
    low: float | None
    high: float | None
    bounds: str  # in words, empty without any
    choices: tuple[Choice, ...] = ()
    members: tuple[tuple[str, str], ...] = ()  # of a union: kind, name of the class
    nested: str = ""  # name of the class

    @property
    def explained(self) -> str:
        """The help sentence with bounds and unit."""
        unit = f"Unit: {self.unit}." if self.unit else ""
        return " ".join(part for part in (self.help, self.bounds, unit) if part)


@cache
def schema_of(spec: type[BaseModel]) -> Schema:
    """Return a spec class's JSON schema, made once."""
    return spec.model_json_schema()


def default_of(spec: type[BaseModel]) -> dict[str, Any]:
    """Return a spec with nothing but defaults, as plain JSON values."""
    return spec().model_dump(mode="json")


def kind_of(spec: Any) -> str:
    """Return the tag of a union's member."""
    return str(spec.model_fields["kind"].default)


def member_of(union: str, kind: str) -> Any:
    """Return the class of a union's member."""
    return next(member for member in UNIONS[union] if kind_of(member) == kind)


def fields_of(spec: type[BaseModel]) -> tuple[SpecField, ...]:
    """Return a spec class's fields in their order, without its tag."""
    return tuple(_fields(schema_of(spec)))


def own_fields(spec: type[BaseModel]) -> tuple[str, ...]:
    """Return the names of the fields that a spec class declares itself; what it inherits its whole family has."""
    return tuple(name for name in spec.__annotations__ if name in spec.model_fields)


def _fields(root: Schema) -> Iterator[SpecField]:
    for name, schema in root["properties"].items():
        if "const" not in schema:
            yield _field(root, name, schema)


def _field(root: Schema, name: str, schema: Schema) -> SpecField:
    plain, nullable = _without_null(schema)
    reads, choices, members = _how(root, plain)
    return SpecField(
        name=name,
        label=_label(name, schema.get("title")),
        help=schema.get("description", ""),
        unit=schema.get("unit"),
        reads=reads,
        default=schema.get("default"),
        nullable=nullable,
        log=schema.get("scale") == "log",
        low=plain.get("minimum", plain.get("exclusiveMinimum")),
        high=plain.get("maximum", plain.get("exclusiveMaximum")),
        bounds=_bounds(plain),
        choices=choices,
        members=members,
        nested=_class(plain) if reads == "nested" else "",
    )


BOUNDS = (("minimum", "at least"), ("exclusiveMinimum", "above"), ("maximum", "at most"), ("exclusiveMaximum", "below"))


def _bounds(schema: Schema) -> str:
    said = [f"{text} {write_number(schema[key])}" for key, text in BOUNDS if key in schema]
    sentence = ", ".join(said)
    return f"{sentence[:1].upper()}{sentence[1:]}." if sentence else ""


def _without_null(schema: Schema) -> tuple[Schema, bool]:
    options = [option for option in schema.get("anyOf", ()) if option.get("type") != "null"]
    return ({**schema, **options[0]}, True) if len(options) == 1 else (schema, False)


def _how(root: Schema, schema: Schema) -> tuple[str, tuple[Choice, ...], tuple[tuple[str, str], ...]]:
    if "discriminator" in schema:
        mapping = schema["discriminator"]["mapping"]
        members = tuple((tag, ref.rsplit("/", 1)[1]) for tag, ref in mapping.items())
        ordered = {_class(option): i for i, option in enumerate(schema["oneOf"])}
        return "union", (), tuple(sorted(members, key=lambda member: ordered[member[1]]))
    if "$ref" in schema:
        return "nested", (), ()
    if "enum" in schema:
        return "choice", tuple(Choice(value, words(value)) for value in schema["enum"]), ()
    if schema.get("type") == "array":
        items = schema.get("items") or schema["prefixItems"][0]
        return READS_LIST.get(items.get("type", ""), "other"), (), ()
    return (
        {"boolean": "flag", "integer": "integer", "number": "number", "string": "text"}.get(
            schema.get("type", ""), "other"
        ),
        (),
        (),
    )


def _class(schema: Schema) -> str:
    return str(schema["$ref"]).rsplit("/", 1)[1]


def _label(name: str, title: str | None) -> str:
    """Pydantic's own titles are in Title Case; ours are given or made from the name as a sentence."""
    made = name.replace("_", " ").title()
    return title if title and title != made else words(name)


def words(value: Any) -> str:
    """Write a name as words: ``cross_entropy`` is "Cross entropy"; numbers and names of formats stay as they are."""
    if value in TITLES:
        return TITLES[value]
    text = str(value).replace("_", " ")
    return text if any(letter.isdigit() for letter in text) else text[:1].upper() + text[1:]


def choices_of(members: tuple[tuple[str, str], ...]) -> tuple[Choice, ...]:
    """Return a union's members as choices, under the titles that their classes give themselves."""
    return tuple(_choice(tag, MEMBERS[name]) for tag, name in members)


def _choice(tag: str, member: Any) -> Choice:
    return Choice(tag, member.title, member.summary, str(vars(member).get("family", "")))
