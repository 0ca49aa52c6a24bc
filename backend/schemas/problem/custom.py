"""Problems of a file of the user's own: what a request says of one, and what the file says about itself.

The file is Python and is read by the workers alone. What the server and the page know of it is a
:class:`CustomEntry`: names, sentences and bounds, from which :func:`parameters_spec` makes the same class everywhere.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, Literal

from pydantic import FiniteFloat, create_model

from backend.schemas.base import SpecModel, WireModel
from backend.schemas.fields import described

Value = bool | int | FiniteFloat | str  # beside a text, NaN could not be told from its name
Reads = Literal["integer", "number", "flag", "choice"]
TYPES: Final[Mapping[str, type]] = {"integer": int, "number": float, "flag": bool}


class Custom(SpecModel):
    """One problem of the file that the server was started with."""

    name: str = described("mine", "Which of the file's problems.", min_length=1, max_length=100)
    parameters: dict[str, Value] = described(
        None, "Its settings by name; those that are left out take the file's defaults.", factory=dict, max_length=64
    )


class CustomProblem(SpecModel):
    """A problem of the user's own, from the file given as ``gradscape serve --problems``."""

    custom: Custom = described(None, "The problem.", title="Problem", factory=Custom)


class CustomParameter(WireModel):
    """One setting of a problem: a field of its form."""

    name: str
    reads: Reads
    default: Value
    help: str
    unit: str | None = None
    scale: str | None = None
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()


class CustomEntry(WireModel):
    """What a file says about one of its problems; ``size`` and ``examples`` are those of its defaults."""

    name: str
    title: str
    summary: str
    parameters: tuple[CustomParameter, ...] = ()
    size: int = 0  # parameters of the network
    examples: int = 0  # of the training split
    classes: int | None = None

    @property
    def request(self) -> dict[str, Any]:
        """The problem with its defaults, as a request holds it."""
        values = {each.name: each.default for each in self.parameters}
        return {"custom": {"name": self.name, "parameters": values}}


@cache
def parameters_spec(entry: CustomEntry) -> type[SpecModel]:
    """Make the class of a problem's settings: its form, its validation and its documentation come from it.

    Args:
        entry: what the file says.

    Returns:
        A class with a field for every setting.

    Example:
        >>> width = CustomParameter(name="width", reads="integer", default=8, help="Units.", low=1)
        >>> parameters_spec(CustomEntry(name="mine", title="Mine", summary="", parameters=(width,)))().width
        8
    """
    fields: dict[str, Any] = {}
    for each in entry.parameters:
        kind: Any = Literal[each.choices] if each.reads == "choice" else TYPES[each.reads]
        number = int if each.reads == "integer" else float
        given = {"ge": each.low, "le": each.high}
        bounds: dict[str, Any] = {name: number(value) for name, value in given.items() if value is not None}
        field = described(each.default, each.help, unit=each.unit, scale=each.scale, **bounds)
        fields[each.name] = (kind, field)
    made: type[SpecModel] = create_model("Parameters", __base__=SpecModel, __doc__=entry.summary, **fields)
    return made
