"""The documentation is complete, up to date and true where a machine can tell."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from backend.schemas.analysis import ANALYSIS_KINDS
from backend.schemas.analysis.plane import PLANE_KINDS
from backend.schemas.control import CONTROL
from backend.schemas.errors import ErrorBody
from backend.schemas.events import Envelope
from backend.schemas.optimizer import FILTER_KINDS, OPTIMIZER_KINDS, SCHEDULE_KINDS
from backend.schemas.point import AnyPoint
from backend.schemas.problem.data import DATA_KINDS
from backend.schemas.problem.function import FUNCTION_KINDS
from backend.schemas.problem.loss import LOSS_KINDS
from backend.schemas.problem.model import MODEL_KINDS
from backend.schemas.problem.pde import ANSATZ_KINDS, PDE_KINDS
from backend.schemas.run import REQUEST
from docs.generate import pages
from frontend.presets import PRESETS

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
RUN = "0" * 15


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.stem)
def test_the_reference_is_up_to_date(path: Path) -> None:
    assert path.exists(), "run make docs"
    assert path.read_text("utf-8") == pages()[path], "run make docs"


def test_the_reference_holds_nothing_else() -> None:
    assert set((ROOT / "docs/reference").iterdir()) == set(pages())


@pytest.mark.parametrize("kind", [*OPTIMIZER_KINDS, *SCHEDULE_KINDS, *FILTER_KINDS], ids=lambda kind: kind.title)
def test_every_rule_and_schedule_has_its_section(kind: Any) -> None:
    assert f"\n## {kind.title}\n" in read("docs/optimizers.md")


@pytest.mark.parametrize(
    "kind", [*DATA_KINDS, *MODEL_KINDS, *LOSS_KINDS, *PDE_KINDS, *ANSATZ_KINDS], ids=lambda kind: kind.title
)
def test_every_part_of_a_problem_has_its_section(kind: Any) -> None:
    _, _, section = read("docs/problems.md").partition(f"\n## {kind.title}\n")
    assert section.strip().startswith(f"`{kind.model_fields['kind'].default}`:")


@pytest.mark.parametrize("kind", FUNCTION_KINDS, ids=lambda kind: kind.title)
def test_every_function_has_its_row(kind: Any) -> None:
    assert f"\n| **{kind.title}** |" in read("docs/problems.md")


@pytest.mark.parametrize("kind", ANALYSIS_KINDS, ids=lambda kind: kind.title)
def test_every_analysis_has_its_page(kind: Any) -> None:
    tag = kind.model_fields["kind"].default
    page = read(f"docs/analyses/{tag}.md")
    assert page.startswith(f"# {kind.title}\n")
    for heading in ("What you see", "What it means", "Equation", "Cost", "Limits", "Code", "Paper"):
        assert f"\n**{heading}" in page, f"{tag}: {heading} is missing"
    assert f"analyses/{tag}.md" in read("docs/README.md")


@pytest.mark.parametrize("kind", PLANE_KINDS, ids=lambda kind: kind.title)
def test_every_plane_has_its_row(kind: Any) -> None:
    assert f"\n| `{kind.model_fields['kind'].default}` |" in read("docs/analyses/surface.md")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_preset_has_its_section(preset: Any) -> None:
    assert f"\n## {preset.title}\n" in read("docs/presets.md")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_names_of_files_lead_somewhere(path: Path) -> None:
    text = path.read_text("utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[\w-]*)?\)", text):
        assert target.startswith("https://") or (path.parent / target).exists(), f"{target} leads nowhere"
    for name in re.findall(r"`((?:app|backend|frontend|docs|tests|examples|benchmarks)/[\w./-]+)`", text):
        assert (ROOT / name).exists(), f"there is no {name}"


def test_decisions_are_listed() -> None:
    listed = re.findall(r"\((\d{4}-[\w-]+\.md)\)", read("docs/decisions/README.md"))
    assert listed == sorted(path.name for path in (ROOT / "docs/decisions").glob("0*.md"))


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def bodies() -> list[tuple[str, dict[str, Any]]]:
    """Every JSON object of the prose: blocks of JSON, and what curl sends."""
    found = []
    for path in PAGES:
        texts = blocks(path, "json")
        texts += [sent for block in blocks(path, "bash") for sent in re.findall(r"-d '(\{.*?\})'", block, re.DOTALL)]
        texts += re.findall(r"-d '(\{.*?\})'`", path.read_text("utf-8"))
        texts += re.findall(r"`\"origin\": (\{.*?\})`", path.read_text("utf-8"))
        found += [(path.name, json.loads(text.replace('"ID"', f'"{RUN}"'))) for text in texts]
    return found


def test_the_json_of_the_prose_is_what_the_program_takes_and_tells() -> None:
    from pydantic import TypeAdapter

    readers: dict[str, Any] = {
        "kind": REQUEST, "action": CONTROL, "event": TypeAdapter(Envelope), "error": TypeAdapter(ErrorBody),
        "run": TypeAdapter(AnyPoint), "checkpoint": TypeAdapter(AnyPoint),
    }  # fmt: skip
    found = bodies()
    assert {name for name, _ in found} >= {"README.md", "api.md"}
    for name, body in found:
        tag = next((key for key in readers if key in body), None)
        assert tag is not None, f"{name}: what is {body}?"
        readers[tag].validate_json(json.dumps(body))


def test_the_readme_names_commands_that_exist() -> None:
    from app.cli import parser

    commands = re.findall(r"^gradscape ([^#\n]+?)(?: *>.*)?(?: *#.*)?$", read("README.md"), re.MULTILINE)
    assert len(commands) >= 4
    for command in commands:
        parser().parse_args(command.split())


def test_the_version_is_the_same_everywhere() -> None:
    import tomllib

    version = tomllib.loads(read("pyproject.toml"))["project"]["version"]
    assert f"version = {{{version}}}" in read("README.md")
