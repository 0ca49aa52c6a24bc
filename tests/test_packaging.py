"""What a fresh machine relies on: pinned versions, the container's sources, the console script, the make targets."""

import re
import shlex
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


def pins() -> dict[str, Version]:
    found = {}
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            name, version = line.split("==")
            assert name == canonicalize_name(name), f"{name}: write it as {canonicalize_name(name)}"
            assert name not in found, f"{name} is pinned twice"
            found[name] = Version(version)
    return found


def needed(*extras: str) -> set[str]:
    """Names of everything that the project needs on this machine, all the way down."""
    queue = [Requirement(each) for each in PROJECT["dependencies"]]
    queue += [Requirement(each) for extra in extras for each in EXTRAS[extra]]
    seen: set[tuple[str, str]] = set()
    while queue:
        requirement = queue.pop()
        name = canonicalize_name(requirement.name)
        for extra in ("", *sorted(requirement.extras)):
            if (name, extra) not in seen:
                seen.add((name, extra))
                below = [Requirement(text) for text in metadata.requires(name) or []]
                queue += [each for each in below if each.marker is None or each.marker.evaluate({"extra": extra})]
    return {name for name, _ in seen}


def test_every_version_is_pinned_all_the_way_down() -> None:
    gpu = re.compile(r"nvidia-|cuda-|triton")  # brought and pinned by a CUDA build of torch
    assert not {name for name in needed("dev") if not gpu.match(name)} - set(pins())
    assert not [name for name in pins() if gpu.match(name)]


def test_pins_satisfy_what_the_project_asks_for() -> None:
    asked = [*PROJECT["dependencies"], *(each for extra in EXTRAS.values() for each in extra)]
    for each in map(Requirement, asked):
        assert pins()[canonicalize_name(each.name)] in each.specifier, f"{each} is not met by constraints.txt"


def test_torch_is_pinned_without_a_build() -> None:
    assert pins()["torch"].local is None, "a local version would choose between CPU and CUDA for everyone"


def test_what_is_imported_is_declared() -> None:
    """Third-party modules of the product are direct dependencies, not guests of another package."""
    provided = metadata.packages_distributions()
    declared = {
        canonicalize_name(Requirement(each).name)
        for each in (*PROJECT["dependencies"], *EXTRAS["ray"], *EXTRAS["remote"])
    }
    declared |= {"starlette", "pydantic-core", "anyio"}  # parts of fastapi and pydantic
    wanted = set()
    for folder in ("app", "backend", "frontend"):
        for path in (ROOT / folder).rglob("*.py"):
            for found in re.finditer(r"^\s*(?:from|import) (\w+)", path.read_text("utf-8"), re.MULTILINE):
                wanted |= {canonicalize_name(name) for name in provided.get(found.group(1), [])}
    assert wanted - declared <= {"gradscape"}


def test_the_console_script_exists() -> None:
    scripts = {entry.name: entry.value for entry in metadata.distribution("gradscape").entry_points}
    assert scripts == {"gradscape": "app.cli:main"} == PROJECT["scripts"]
    (entry,) = metadata.distribution("gradscape").entry_points
    assert callable(entry.load())


def test_files_that_are_not_python_are_packaged() -> None:
    packaged = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["setuptools"]["package-data"]
    for folder in ("app", "backend", "frontend"):
        listed = {path for pattern in packaged.get(folder, []) for path in (ROOT / folder).glob(pattern)}
        present = {path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts}
        assert not {path for path in present if path.suffix not in {".py", ".pyc"}} - listed


def test_the_documentation_is_packaged_with_the_page(tmp_path: Path) -> None:
    built = tmp_path / "built"
    command = [sys.executable, "setup.py", "-q", "build", f"--build-base={tmp_path}", f"--build-lib={built}"]
    egg = ["egg_info", f"--egg-base={tmp_path}"]
    subprocess.run([*command, *egg], cwd=ROOT, check=True, capture_output=True)
    shipped = {path.relative_to(built / "frontend/documentation") for path in built.rglob("documentation/**/*.md")}
    assert shipped == {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")}


def copied() -> list[str]:
    """Sources of the Dockerfile's COPY lines that come from the repository."""
    lines = [shlex.split(line)[1:] for line in DOCKERFILE.splitlines() if line.startswith("COPY ")]
    return [source for words in lines if not words[0].startswith("--from") for source in words[:-1]]


def test_the_containers_sources_exist_and_are_sent() -> None:
    assert copied(), "expected COPY lines"
    sent = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    for source in copied():
        assert (ROOT / source).exists(), source
        assert f"!{source}" in sent, f"{source} is not let through by .dockerignore"
    assert PROJECT["readme"] in copied()
    assert set(PROJECT["license-files"]) <= set(copied())


def test_the_container_runs_as_nobody_special_and_is_watched() -> None:
    last_stage = DOCKERFILE[DOCKERFILE.rindex("\nFROM ") :]
    assert re.search(r"^USER (?!root)\w+", last_stage, re.MULTILINE)
    assert "/api/health" in last_stage[last_stage.index("HEALTHCHECK") :]
    health = re.search(r'CMD \["python", "-c", "(.*)"\]$', last_stage, re.MULTILINE)
    assert health is not None
    compile(health.group(1).replace('\\"', '"'), "HEALTHCHECK", "exec")


@pytest.mark.parametrize("target", ["run", "test", "check", "bench", "docs", "help"])
def test_the_front_door_has_its_targets(target: str) -> None:
    shown = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert f"make {target}" in listed
