"""How a file declares a problem: a function with annotated settings that returns what is fitted, under a decorator.

::

    from typing import Annotated
    from gradscape import Fit, field, problem

    @problem(title="Sine", summary="A small network that fits a sine.")
    def sine(width: Annotated[int, field("Hidden units.", low=1, high=512)] = 32) -> Fit:
        x = torch.linspace(-3, 3, 200)[:, None]
        return Fit(model=lambda: nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, 1)),
                   loss="mse", train=(x, x.sin()))
"""

import inspect
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, get_args, get_origin, get_type_hints, overload

from pydantic import ValidationError
from torch import Tensor, nn

from backend.schemas.problem.custom import CustomEntry, CustomParameter, Reads, parameters_spec

EachLoss = Callable[[Tensor, Tensor], Tensor]
READS: Final[Mapping[type, Reads]] = {bool: "flag", int: "integer", float: "number"}


class BadProblem(ValueError):
    """The file declares something that cannot be a problem; the sentence says which, what came and what to do."""


@dataclass(frozen=True)
class Fit:
    """A network, its data and its loss.

    Attributes:
        model: makes the module with fresh initial weights; called once for each seed.
        loss: ``"cross_entropy"`` (outputs [N, C], targets [N] of whole numbers below C), ``"mse"`` (outputs and
            targets [N, C], the squared error summed over C), or a function of outputs [N, C] and targets [N, …] that
            returns the loss of every example alone, [N]; what is minimised is the mean over the examples.
        train: inputs [N, …] and targets [N, …]. Inputs of whole numbers (tokens) stay so.
        test: likewise, only looked at.
        classes: how many; with it the share of the examples whose largest output is their target is told.
    """

    model: Callable[[], nn.Module]
    loss: Literal["cross_entropy", "mse"] | EachLoss
    train: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor] | None = None
    classes: int | None = None


@dataclass(frozen=True)
class field:
    """What a setting's control says and allows.

    Attributes:
        help: a sentence.
        low: the least value.
        high: the largest value.
        unit: its unit, where it has one.
        scale: ``"log"`` where it moves by factors.
    """

    help: str
    low: float | None = None
    high: float | None = None
    unit: str | None = None
    scale: Literal["log"] | None = None


@dataclass(frozen=True)
class Definition:
    """A problem that a file declares."""

    entry: CustomEntry
    make: Callable[..., Fit]

    def fit(self, given: Mapping[str, Any]) -> Fit:
        """Call the file's function.

        Args:
            given: settings; those that are left out take their defaults.

        Returns:
            What it returned.

        Raises:
            BadProblem: where the settings do not fit, or it raised something, or returned something else.
        """
        try:
            values = parameters_spec(self.entry).model_validate(dict(given)).model_dump()
        except ValidationError as invalid:
            first = invalid.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise BadProblem(f"{self.entry.name}: {where}: {first['msg']}, got {first['input']!r}") from None
        try:
            made = self.make(**values)
        except Exception as error:
            raise BadProblem(f"{self.entry.name}: {raised(error)}") from error
        if not isinstance(made, Fit):
            raise BadProblem(f"{self.entry.name}: expected the function to return a Fit, got {type(made).__name__}")
        return made


def raised(error: Exception) -> str:
    """Say in a line what went wrong in somebody's code, and in which line of it."""
    place, trace = "", error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "site-packages" not in file and "/backend/" not in file and not file.startswith("<"):
            place = f" in line {trace.tb_lineno} of {file.rpartition('/')[2]}"
        trace = trace.tb_next
    first = (str(error) or "no message").partition("\n")[0][:300]
    return f"{type(error).__name__}{place}: {first}"


@overload
def problem(make: Callable[..., Fit]) -> Definition: ...
@overload
def problem(*, name: str = "", title: str = "", summary: str = "") -> Callable[[Callable[..., Fit]], Definition]: ...
def problem(
    make: Callable[..., Fit] | None = None, *, name: str = "", title: str = "", summary: str = ""
) -> Definition | Callable[[Callable[..., Fit]], Definition]:
    """Declare a problem: a decorator, with or without settings of its own.

    The function's parameters become the fields of the problem's form. Each has a default and is annotated as ``int``,
    ``float``, ``bool`` or ``Literal["a", "b"]``, best as ``Annotated[int, field("What it is.", low=1)]``.

    Args:
        make: the function, where the decorator stands without parentheses.
        name: what requests call it; by default the function's name.
        title: what people call it; by default made from the name.
        summary: one sentence; by default the first line of the function's docstring.

    Returns:
        The definition, or the decorator that makes it.
    """

    def declare(make: Callable[..., Fit]) -> Definition:
        called = name or make.__name__
        said = summary or (inspect.getdoc(make) or "").partition("\n")[0]
        shown = title or called.replace("_", " ").capitalize()
        entry = CustomEntry(
            name=called, title=shown, summary=said or f"{shown}, of one's own.", parameters=_parameters(called, make)
        )
        try:
            parameters_spec(entry)()
        except ValidationError as invalid:
            first = invalid.errors(include_url=False)[0]
            raise BadProblem(f"{called}: the default of {first['loc'][0]} does not fit: {first['msg']}") from None
        return Definition(entry, make)

    return declare if make is None else declare(make)


def _parameters(called: str, make: Callable[..., Fit]) -> tuple[CustomParameter, ...]:
    try:
        hints = get_type_hints(make, include_extras=True)
    except Exception as error:
        raise BadProblem(f"{called}: its annotations cannot be read: {error}") from error
    found = []
    for each in inspect.signature(make).parameters.values():
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY):
            raise BadProblem(f"{called}: expected named parameters, got {each}")
        if each.default is each.empty:
            raise BadProblem(f"{called}: the parameter {each.name} has no default; give it one, as in {each.name}=…")
        found.append(_parameter(called, each.name, each.default, hints.get(each.name)))
    return tuple(found)


def _parameter(called: str, name: str, default: Any, hint: Any) -> CustomParameter:
    said = field("")
    if get_origin(hint) is Annotated:
        hint, *more = get_args(hint)
        said = next((each for each in more if isinstance(each, field)), said)
    hint = type(default) if hint is None else hint
    choices: tuple[str, ...] = ()
    if get_origin(hint) is Literal and all(isinstance(each, str) for each in get_args(hint)):
        reads: Reads | None = "choice"
        choices = get_args(hint)
    else:
        reads = None if isinstance(hint, types.GenericAlias) else READS.get(hint)
    if reads is None:
        raise BadProblem(
            f"{called}: the parameter {name} is annotated {hint}; expected int, float, bool or Literal of texts"
        )
    return CustomParameter(
        name=name, reads=reads, default=float(default) if reads == "number" and type(default) is int else default,
        help=said.help or f"The problem's setting {name}.", unit=said.unit, scale=said.scale,
        low=said.low, high=said.high, choices=choices,
    )  # fmt: skip
