"""Writes docs/reference from what the program itself says: specs, events, routes, settings. Run by ``make docs``."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

from pydantic import BaseModel

from app.settings import settings_table
from backend.api.app import create_api
from backend.api.errors import STATUS
from backend.api.openapi import document
from backend.jobs.service import Service
from backend.schemas import facts
from backend.schemas.analysis import ANALYSIS_KINDS, LINE_KINDS
from backend.schemas.analysis.plane import PLANE_KINDS
from backend.schemas.control import Cancel, Pause, Resume, Set, Step
from backend.schemas.events import EVENT_KINDS, Envelope
from backend.schemas.optimizer import FILTER_KINDS, OPTIMIZER_KINDS
from backend.schemas.optimizer.filters import FilterSpec
from backend.schemas.optimizer.schedule import SCHEDULE_KINDS
from backend.schemas.point import CheckpointPoint, InitPoint, PlanePoint, RunPoint
from backend.schemas.problem import CustomProblem, DataProblem, FunctionProblem, PdeProblem
from backend.schemas.problem.custom import Custom
from backend.schemas.problem.data import DATA_KINDS
from backend.schemas.problem.function import FUNCTION_KINDS
from backend.schemas.problem.loss import LOSS_KINDS
from backend.schemas.problem.model import MODEL_KINDS
from backend.schemas.problem.pde import ANSATZ_KINDS, PDE_KINDS
from backend.schemas.run import AnalyseRequest, Change, Lane, Probe, Run, SnapshotPolicy, TrainRequest

REFERENCE: Final = Path(__file__).parent / "reference"
NOTE: Final = "<!-- Written by `make docs`; change the source it is made from. -->"
Models = Iterable[type[BaseModel]]


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """Write a Markdown table; nothing where there are no rows."""
    written = ["| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows]
    if written:
        yield from ("| " + " | ".join(head) + " |", "|" + " --- |" * len(head), *written, "")


def code(text: str) -> str:
    """Mark a text as code; nothing stays nothing."""
    return f"`{text}`" if text else ""


def fields_of(model: type[BaseModel], without: tuple[str, ...] = ()) -> Iterator[str]:
    """Write the table of a model's fields."""
    schema = model.model_json_schema()
    definitions, needed = schema.get("$defs", {}), schema.get("required", ())
    rows = []
    for name, field in schema.get("properties", {}).items():
        if name not in without:
            given = "needed" if name in needed else code(facts.default(field))
            limits = " ".join(part for part in (facts.bounds(field), str(field.get("unit", ""))) if part)
            rows.append((code(name), facts.takes(field, definitions), given, limits, str(field.get("description", ""))))
    columns = ("field", "takes", "default", "bounds and unit", "")
    kept = [i for i, column in enumerate(columns) if i < 2 or any(row[i] for row in rows)]
    yield from table(tuple(columns[i] for i in kept), (tuple(row[i] for i in kept) for row in rows))


def section(model: type[BaseModel], *, level: int = 3, without: tuple[str, ...] = ("kind",)) -> Iterator[str]:
    """Write a component: its title and kind, what it does, its equation, its source, its fields."""
    kind = model.model_fields["kind"].default if "kind" in model.model_fields else None
    title = getattr(model, "title", model.__name__)
    yield from (f"{'#' * level} {title}" + (f" (`{kind}`)" if kind else ""), "")
    equation, reference = getattr(model, "equation", None), getattr(model, "reference", None)
    documented = (model.__doc__ or "").strip().split("\n\n")[0]
    # A docstring may write the equation out; then the summary is the better sentence beside it.
    yield from ((getattr(model, "summary", documented) if equation else documented).replace("\n", " "), "")
    yield from (f"> {equation}", "") if equation else ()
    yield from (f"Source: {reference}.", "") if reference else ()
    if hasattr(model, "defaults_from"):
        yield from (f"Defaults: {model.defaults_from}. Cost: {spent(model)}.", "")
    yield from fields_of(model, without)


def spent(rule: Any) -> str:
    """Say what a rule's or a filter's step costs.

    Args:
        rule: its spec.

    Returns:
        As in "2 gradient evaluations a step (four with a fixed rate)".
    """
    said = f"{rule.gradients:g} gradient evaluation{'' if rule.gradients == 1 else 's'} a step"
    hangs_on = getattr(rule, "cost", "")
    beside = " beside the rule's" if issubclass(rule, FilterSpec) else ""
    return said + beside + (f" ({hangs_on})" if hangs_on else "")


def family(title: str, models: Models, **options: Any) -> Iterator[str]:
    """Write a heading, and a section for each member."""
    yield from (f"## {title}", "")
    for model in models:
        yield from section(model, **options)


def requests() -> Iterator[str]:
    """Write the page of requests, points and controls."""
    yield from ("# Requests", "", "The body of `POST /api/runs`, and the file of `gradscape run`.", "")
    yield from family("Runs", (TrainRequest, AnalyseRequest), without=())
    yield from family("Parts of a race", (Lane, Change, Probe, SnapshotPolicy))
    yield from family("Points", (RunPoint, InitPoint, PlanePoint, CheckpointPoint))
    yield from family("Controls", (Pause, Resume, Step, Set, Cancel), without=())


def problems() -> Iterator[str]:
    """Write the page of problems."""
    yield from ("# Problems", "", "A network on data, an analytic function, a differential equation, or your own.", "")
    yield from family("Problem", (DataProblem, FunctionProblem, PdeProblem, CustomProblem, Custom))
    yield from family("Data", DATA_KINDS)
    yield from family("Model", MODEL_KINDS)
    yield from family("Loss", LOSS_KINDS)
    yield from family("Function", FUNCTION_KINDS)
    yield from family("Differential equation", PDE_KINDS)
    yield from family("Trial function", ANSATZ_KINDS)


def optimizers() -> Iterator[str]:
    """Write the page of update rules, schedules and filters."""
    yield from ("# Optimizers, schedules and filters", "")
    yield from family("Optimizers", OPTIMIZER_KINDS)
    yield from family("Schedules", SCHEDULE_KINDS)
    yield from family("Filters", FILTER_KINDS)


def analyses() -> Iterator[str]:
    """Write the page of analyses, planes and lines."""
    yield from ("# Analyses, planes and lines", "")
    yield from family("Analyses", ANALYSIS_KINDS)
    yield from family("Planes", PLANE_KINDS)
    yield from family("Lines", LINE_KINDS)


def events() -> Iterator[str]:
    """Write the page of events."""
    yield from ("# Events", "", "What a run tells, each in an envelope.", "")
    yield from section(Envelope, level=2)
    yield from family("Kinds", EVENT_KINDS)
    yield from section(Run, level=2, without=())


def routes() -> Iterator[str]:
    """Write the page of HTTP routes and errors."""
    service = cast(Service, SimpleNamespace(feed=None))  # routes are listed, none is called
    yield from (
        "# Routes",
        "",
        "The whole OpenAPI document: `GET /api/openapi.json`; a page of it: `GET /api/docs`.",
        "",
    )
    for path, methods in sorted(document(create_api(service, version=""))["paths"].items()):
        for method, route in methods.items():
            yield from (f"## `{method.upper()} {path}`", "", route["description"].replace("\n", " "), "")
            rows = [
                (code(each["name"]), each["in"], facts.takes(each["schema"], {}), facts.bounds(each["schema"]),
                 each.get("description") or each["schema"].get("description", ""))
                for each in route.get("parameters", ())
            ]  # fmt: skip
            yield from table(("parameter", "in", "takes", "bounds", ""), rows)
            yield from (f"Answers {', '.join(status for status in route['responses'] if status.isdigit())}.", "")
    yield from ("## Errors", "", 'Every error is `{"error": {"code", "message", "hint", "where", "errors"}}`.', "")
    yield from table(("code", "status"), ((code(name), str(status)) for name, status in STATUS.items()))


def server() -> Iterator[str]:
    """Write the page of settings."""
    yield from ("# Settings", "", "Read from the environment; options of `gradscape serve` win over them.", "")
    yield from table(
        ("variable", "default", ""), ((code(name), code(start), text) for name, start, text in settings_table())
    )


PAGES: Final = {
    "requests": requests, "problems": problems, "optimizers": optimizers, "analyses": analyses, "events": events,
    "routes": routes, "settings": server,
}  # fmt: skip


def pages() -> dict[Path, str]:
    """Return every page of the reference with its text."""
    return {REFERENCE / f"{name}.md": "\n".join([NOTE, "", *lines()]).rstrip() + "\n" for name, lines in PAGES.items()}


def main() -> None:
    """Write the pages."""
    REFERENCE.mkdir(exist_ok=True)
    for path, text in pages().items():
        path.write_text(text, "utf-8")
        print(path.relative_to(REFERENCE.parent.parent))


if __name__ == "__main__":
    main()
