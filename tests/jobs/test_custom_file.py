"""The file of problems of the user's own: read by a process of its own, checked by the server, used by workers."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.cli import main
from backend.jobs.custom_file import CustomFile, definitions, digest_of, read_definitions, try_file
from backend.jobs.errors import InvalidRequest, JobsError, Unavailable, Unsupported
from backend.jobs.feed import Feed
from backend.jobs.inline import InlineEngine
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore
from backend.schemas.run import REQUEST

FILE = """
from typing import Annotated
import torch
from torch import nn
from beside import EXAMPLES
from gradscape import Fit, field, problem

print("anything that it says goes to standard error")

@problem(summary="A plane through points.")
def plane(width: Annotated[int, field("Inputs.", low=1, high=9)] = 3) -> Fit:
    x = torch.ones(EXAMPLES, width).cumsum(0)
    return Fit(model=lambda: nn.Linear(width, 1), loss="mse", train=(x / EXAMPLES, x[:, :1] / EXAMPLES))
"""
HERE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    (folder / "beside.py").write_text("EXAMPLES = 20\n", "utf-8")
    (folder / "mine.py").write_text(FILE, "utf-8")
    return folder / "mine.py"


@pytest.fixture(scope="module")
def custom(file: Path) -> Iterator[CustomFile]:
    yield try_file(file)
    sys.path.remove(str(file.parent))  # which reading it in this process has put there


@pytest.fixture
def service(tmp_path: Path, custom: CustomFile) -> Iterator[Service]:
    store = SqliteStore(":memory:")
    made = Service(store, InlineEngine(), Feed(store), tmp_path, custom=custom)
    yield made
    made.close()


def race(**custom: Any) -> Any:
    return REQUEST.validate_python(
        {"kind": "train", "steps": 3, "lanes": [{"name": "SGD"}], "problem": {"custom": custom}}, strict=False
    )


def test_the_trial_tells_what_is_in_the_file(custom: CustomFile, file: Path) -> None:
    (entry,) = custom.entries
    assert (entry.name, entry.title, entry.summary) == ("plane", "Plane", "A plane through points.")
    assert (entry.size, entry.examples, entry.classes) == (4, 20, None)
    assert custom.place is not None
    assert custom.place.path == file.resolve()
    (described,) = custom.catalog()
    assert described.field == "problem.custom"
    assert described.json_schema["properties"]["width"]["maximum"] == 9


def test_a_race_on_it_is_stored_with_all_its_settings(service: Service) -> None:
    run = service.wait(service.submit(race(name="plane")).id, 60)
    assert (run.status, run.error, run.name) == ("succeeded", None, "SGD on plane")
    assert run.request["problem"] == {"custom": {"name": "plane", "parameters": {"width": 3}}}
    look = {"kind": "analyse", "at": [{"run": run.id}], "analysis": {"kind": "top_eigenvalues", "k": 1}}
    assert service.wait(service.submit(REQUEST.validate_python(look, strict=False)).id, 60).status == "succeeded"
    two = [{"init": {"custom": {"name": "plane"}}}, {"init": {"custom": {"name": "plane", "parameters": {"width": 2}}}}]
    path = {"kind": "analyse", "at": two, "analysis": {"kind": "connectivity"}}
    with pytest.raises(InvalidRequest, match="the same architecture as the first"):
        service.submit(REQUEST.validate_python(path, strict=False))


@pytest.mark.parametrize(
    ("asked", "path", "sentence"),
    [
        ({"name": "other"}, "problem.custom.name", "expected one of plane; got 'other'"),
        ({"name": "plane", "parameters": {"width": 10}}, "problem.custom.parameters.width", "less than or equal to 9"),
        ({"name": "plane", "parameters": {"width": 1.5}}, "problem.custom.parameters.width", "valid integer"),
        ({"name": "plane", "parameters": {"depth": 1}}, "problem.custom.parameters.depth", "not permitted"),
    ],
)
def test_what_the_file_does_not_have_is_refused_at_its_field(
    service: Service, asked: dict[str, Any], path: str, sentence: str
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        service.submit(race(**asked))
    (error,) = refused.value.detail.errors
    assert error.path == path
    assert sentence in error.message


def test_batches_larger_than_the_data_are_refused_by_the_worker(service: Service) -> None:
    large = race(name="plane").model_copy(update={"batch_size": 21})
    run = service.wait(service.submit(large).id, 60)
    assert run.error is not None
    assert (run.error.code, run.error.where) == ("unsupported", "batch_size")
    assert "20 training examples" in run.error.message


def test_without_a_file_there_are_no_such_problems(custom: CustomFile) -> None:
    with pytest.raises(InvalidRequest, match="start it with --problems FILE"):
        CustomFile().completed(race(name="plane"))
    from backend.core.problems.custom.definition import BadProblem

    with pytest.raises(BadProblem, match="started without a problems file"):
        definitions(None)("plane")


def test_a_file_that_has_changed_since_the_start_is_not_run(tmp_path: Path) -> None:
    from backend.jobs.custom_file import CustomPlace

    path = tmp_path / "changed.py"
    path.write_text("raise SystemExit", "utf-8")
    place = CustomPlace(path, digest_of(path))
    path.write_text("raise SystemError", "utf-8")
    with pytest.raises(Unsupported, match="no longer what it was when the server started"):
        definitions(place)("plane")
    path.unlink()
    with pytest.raises(Unsupported, match="no longer"):
        definitions(place)("plane")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("def broken(:\n", r"SyntaxError.*line 1"),
        ("\nimport no_such_module_anywhere\n", r"ModuleNotFoundError in line 2 of mine.py: No module named"),
        ("x = 1\n", "it declares no problem; put @problem before"),
        ("raise ValueError('two\\nlines')", "ValueError in line 1 of mine.py: two$"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_a_sentence(
    tmp_path: Path, text: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from backend.core.problems.custom.definition import BadProblem

    monkeypatch.setattr(sys, "path", [*sys.path])
    path = tmp_path / "mine.py"
    path.write_text(text, "utf-8")
    with pytest.raises(BadProblem, match=sentence):
        read_definitions(path)


def test_serve_says_what_is_wrong_and_ends(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "leaves.py"
    path.write_text("import os\nos._exit(3)\n", "utf-8")
    given = ["serve", "--port", "0", "--data", str(tmp_path / "data"), "--problems"]
    assert main([*given, str(path)]) == 1
    assert main([*given, str(tmp_path / "absent.py")]) == 1
    said = capfd.readouterr()
    assert f"{path}: the process that read it ended with code 3" in said.err
    assert f"there is no problems file {tmp_path / 'absent.py'}" in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_refusals_are_of_the_jobs_layer() -> None:
    with pytest.raises(JobsError) as refused:
        try_file(HERE / "absent.py")
    assert isinstance(refused.value, Unavailable)
