"""The shape of the house: sizes, names, tables of contents, and what the repository does not say."""

import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PRODUCT = ("app", "backend", "frontend", "gradscape")
OTHER = ("benchmarks", "docs", "examples")
PRODUCT_LINES, TEST_LINES = 300, 400
FORBIDDEN_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "shared", "stuff"}

# Where the project came to be is nobody's business: machines, paths, people's tools.
FORBIDDEN_WORDS = re.compile(
    r"/work/|/opt/pypi|/root/|\.\./shared|\bsub-?agents?\b|\bthis session\b|\bclosing note\b|\bissue #?\d|"
    r"\b(claude|anthropic|chatgpt|copilot)\b",
    re.IGNORECASE,
)
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b|pytest\.mark\.(skip|xfail)\b")
TEXT = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".js", ".css", ".html", ".json", ".cff", ""}


def python_files(*folders: str) -> list[Path]:
    found = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    # Other people's packages, which the benchmarks compare with, lie in a folder of their own.
    return [path for path in found if ".peers" not in path.parts]


def repository() -> list[Path]:
    """Text files that git tracks, or would if they were added."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:  # a source archive: everything that is not hidden
        found = [path for path in ROOT.rglob("*") if not any(part.startswith(".") for part in path.parts)]
    else:
        found = [ROOT / line for line in listed.stdout.splitlines()]
    return [path for path in found if path.is_file() and path.suffix in TEXT and path != Path(__file__)]


def packages() -> list[str]:
    names = list(PRODUCT)
    for name in PRODUCT:
        walked = pkgutil.walk_packages([str(ROOT / name)], f"{name}.")
        names += [found.name for found in walked if found.ispkg]
    return names


def test_files_stay_short() -> None:
    files = [(path, PRODUCT_LINES) for path in [*python_files(*PRODUCT, *OTHER), *(ROOT / "frontend").rglob("*.js")]]
    files += [(path, TEST_LINES) for path in python_files("tests")]
    lengths = {path.relative_to(ROOT): (len(path.read_text("utf-8").splitlines()), most) for path, most in files}
    assert len(lengths) > 50, "expected to have looked at the product"
    assert not {str(path): size for path, size in lengths.items() if size[0] > size[1]}, (
        "is there a second concept inside? give it a file of its own"
    )


def test_files_are_named_after_what_they_hold() -> None:
    paths = [path for path in repository() if path.suffix in {".py", ".js"}]
    assert not [path for path in paths if {path.stem, *path.relative_to(ROOT).parts[:-1]} & FORBIDDEN_NAMES]


def test_test_files_have_different_names() -> None:
    names = [path.name for path in python_files("tests") if path.name != "conftest.py"]
    assert not {name for name in names if names.count(name) > 1}


def test_the_repository_speaks_of_the_project_alone() -> None:
    said = [
        f"{path.relative_to(ROOT)}: {found.group()}"
        for path in repository()
        for found in FORBIDDEN_WORDS.finditer(path.read_text("utf-8"))
    ]
    assert not said


def test_nothing_is_left_unfinished() -> None:
    code = [path for path in repository() if path.suffix in {".py", ".js"}]
    assert not [f"{path.relative_to(ROOT)}" for path in code if UNFINISHED.search(path.read_text("utf-8"))]


@pytest.mark.parametrize("name", packages())
def test_tables_of_contents_are_true(name: str) -> None:
    package = importlib.import_module(name)
    if name != "backend":  # empty: the layers below it are the packages
        assert (package.__doc__ or "").strip(), f"{name}/__init__.py says what is in it"
    exported = getattr(package, "__all__", [])
    assert len(set(exported)) == len(exported)
    assert not [each for each in exported if getattr(package, each, None) is None]
    brought_in = {
        each
        for each, value in vars(package).items()
        if not each.startswith("_") and getattr(value, "__module__", "").startswith(f"{name}.")
    }
    assert not brought_in or exported, "an __init__ that brings names in lists in __all__ what it offers"
    kinds = {each for table in exported if table.endswith("_KINDS") for each in getattr(package, table)}
    assert {kind.__name__ for kind in kinds} <= set(exported), "a table's members are offered beside it"


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("frontend", ("torch", "fastapi", "backend.core", "backend.jobs", "backend.api")),
        ("backend.schemas", ("torch", "fastapi", "dash", "scipy", "sqlalchemy")),
        ("backend.api", ("torch", "dash", "frontend", "backend.core")),
        ("backend.jobs", ("torch", "dash", "fastapi", "frontend", "backend.core")),
        ("app", ("torch",)),
    ],
)
def test_importing_a_layer_loads_nothing_of_the_others(module: str, absent: tuple[str, ...]) -> None:
    """Every module of the layer, in a fresh interpreter: the serving process never loads torch (seconds, gigabytes)."""
    script = (
        "import importlib, pkgutil, sys\n"
        f"package = importlib.import_module({module!r})\n"
        f"for found in pkgutil.walk_packages(package.__path__, {module!r} + '.'):\n"
        "    if not found.name.endswith('__main__'):\n"
        "        importlib.import_module(found.name)\n"
        f"print([name for name in {absent!r} if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
