"""The file of problems of the user's own: read by workers alone, tried once by a process of its own at the start.

The serving process never imports it: it knows the entries that the trial has told, and hands the file's place to the
workers, each of which reads it when a run first asks for one of its problems.
"""

import hashlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from backend.jobs.errors import InvalidRequest, Unavailable, Unsupported, invalid_field
from backend.schemas.catalog import CatalogEntry
from backend.schemas.errors import FieldError
from backend.schemas.point import InitPoint
from backend.schemas.problem import AnyProblem, CustomProblem
from backend.schemas.problem.custom import CustomEntry, parameters_spec
from backend.schemas.run import AnyRequest, TrainRequest

if TYPE_CHECKING:
    from backend.core.problems.custom.definition import Definition

START: Final = "import sys; sys.path[:] = {path!r}; from backend.jobs.custom_trial import tell; tell({file!r})"


@dataclass(frozen=True)
class CustomPlace:
    """Where the file lies, and what it held when the server started."""

    path: Path
    digest: str


@dataclass(frozen=True)
class CustomFile:
    """What the server knows of the file; without one there is no place and no entry."""

    place: CustomPlace | None = None
    entries: tuple[CustomEntry, ...] = ()

    def completed(self, request: AnyRequest) -> AnyRequest:
        """Check a request's problems of one's own, and fill their settings in.

        Args:
            request: as it came.

        Returns:
            The request; itself where it names none.

        Raises:
            InvalidRequest: where a problem or a setting is not in the file, naming the field.
        """
        changes: dict[str, object] = {}
        if isinstance(request.problem, CustomProblem):
            changes["problem"] = self._completed("problem", request.problem)
        if not isinstance(request, TrainRequest) and any(_starts(point) for point in request.at):
            changes["at"] = tuple(
                point.model_copy(update={"init": self._completed(f"at.{i}.init", point.init)})
                if isinstance(point, InitPoint)
                else point
                for i, point in enumerate(request.at)
            )
        return request.model_copy(update=changes) if changes else request

    def catalog(self) -> tuple[CatalogEntry, ...]:
        """Describe the file's problems as the catalog does the others."""
        return tuple(
            CatalogEntry(
                kind=each.name,
                field="problem.custom",
                name=each.title,
                summary=each.summary,
                reference="The file of problems that the server was started with",
                json_schema=parameters_spec(each).model_json_schema(),
            )
            for each in self.entries
        )

    def _completed(self, path: str, problem: AnyProblem) -> AnyProblem:
        if not isinstance(problem, CustomProblem):
            return problem
        asked = problem.custom
        if self.place is None:
            raise invalid_field(
                f"{path}.custom", "this server has no problems of one's own; start it with --problems FILE"
            )
        entry = next((each for each in self.entries if each.name == asked.name), None)
        if entry is None:
            names = ", ".join(each.name for each in self.entries)
            raise invalid_field(f"{path}.custom.name", f"expected one of {names}; got {asked.name!r}")
        try:
            values = parameters_spec(entry).model_validate(asked.parameters).model_dump()
        except ValidationError as invalid:
            raise _refused(f"{path}.custom.parameters", invalid) from None
        return CustomProblem(custom=asked.model_copy(update={"parameters": values}))


def _starts(point: object) -> bool:
    return isinstance(point, InitPoint) and isinstance(point.init, CustomProblem)


def _refused(path: str, invalid: ValidationError) -> InvalidRequest:
    errors = tuple(
        FieldError(
            path=".".join([path, *(str(part) for part in each["loc"])]),
            message=f"{each['msg']}, got {str(each['input'])[:80]!r}",
        )
        for each in invalid.errors(include_url=False)
    )
    return InvalidRequest(
        "; ".join(f"{each.path}: {each.message}" for each in errors),
        hint="Correct the fields named in errors and send the request again; nothing was stored.",
        errors=errors,
    )


def try_file(path: Path) -> CustomFile:
    """Let a process of its own read the file and try each of its problems once.

    Args:
        path: of a Python file.

    Returns:
        What it declares.

    Raises:
        Unavailable: where the file is not there, cannot be read, or declares something that cannot be a problem.
    """
    if not path.is_file():
        raise Unavailable(f"there is no problems file {path}", hint="Give a Python file with --problems.")
    place = CustomPlace(path.resolve(), digest_of(path))
    start = START.format(path=sys.path, file=str(place.path))
    done = subprocess.run([sys.executable, "-c", start], stdout=subprocess.PIPE, check=False)
    try:
        told = json.loads(done.stdout.splitlines()[-1])
        if "error" not in told:
            return CustomFile(place, tuple(CustomEntry.model_validate(each) for each in told["entries"]))
        message = str(told["error"])
    except (ValueError, IndexError):  # it ended without a word
        message = f"the process that read it ended with code {done.returncode}"
    raise Unavailable(f"{path}: {message}", hint="Correct the file and start again; docs/own-model.md shows one.")


def digest_of(path: Path) -> str:
    """Return what tells one state of a file from another."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def definitions(place: CustomPlace | None) -> "Callable[[str], Definition]":
    """Return what gives a file's problems by name; the file is read when it is first called.

    Args:
        place: where the file lies; None: there is none.
    """
    from backend.core.problems.custom.build import nothing_known

    def known(name: str) -> "Definition":
        found = {each.entry.name: each for each in _declared(place)} if place is not None else {}
        return found[name] if name in found else nothing_known(name)

    return known


@cache
def _declared(place: CustomPlace) -> "tuple[Definition, ...]":
    """Read the file, once in this process.

    Returns:
        What it declares.

    Raises:
        Unsupported: where it is no longer what the server was started with.
    """
    try:
        same = digest_of(place.path) == place.digest
    except OSError:
        same = False
    if not same:
        raise Unsupported(
            f"{place.path.name} is no longer what it was when the server started",
            hint="Start the server again, so that it and its workers read the same file.",
            where="problem.custom",
        )
    return read_definitions(place.path)


def read_definitions(path: Path) -> "tuple[Definition, ...]":
    """Import a file and return the problems that it declares; the files beside it can be imported from it.

    Args:
        path: of the file.

    Returns:
        Its problems, in the order in which they stand there.

    Raises:
        BadProblem: where it cannot be imported, declares nothing, or one name twice.
    """
    from backend.core.problems.custom.definition import BadProblem, Definition, raised

    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))
    name = f"gradscape_problems_{path.stem}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise BadProblem("expected a Python file, with a name that ends in .py")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    try:
        found.loader.exec_module(module)
    except BadProblem:
        raise
    except Exception as error:
        raise BadProblem(raised(error)) from error
    declared = tuple(each for each in vars(module).values() if isinstance(each, Definition))
    if not declared:
        raise BadProblem("it declares no problem; put @problem before a function that returns a Fit")
    names = [each.entry.name for each in declared]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise BadProblem(f"it declares two problems named {twice!r}")
    return declared
