"""Points: where in parameter space something starts or is looked at, told apart by the keys that only they have."""

from typing import Annotated, Any

from pydantic import Discriminator, Tag

from backend.schemas.base import SpecModel
from backend.schemas.fields import described
from backend.schemas.ids import RunId
from backend.schemas.problem import AnyProblem, DataProblem


class RunPoint(SpecModel):
    """A kept moment of a lane; a step that was not kept takes the nearest kept one."""

    run: RunId = described("0" * 15, "The run.")
    lane: str | None = described(None, "The lane; null takes every lane (for trajectories) or the first.")
    step: int | None = described(None, "The step; null takes the last kept one.", ge=0)
    repeat: int = described(0, "Which repeat of the lane.", ge=0)


class InitPoint(SpecModel):
    """The initial point of a problem."""

    init: AnyProblem = described(None, "The problem.", factory=DataProblem)
    seed: int = described(0, "The seed that the initial weights are drawn from.", ge=0, le=2**31 - 1)


class PlanePoint(SpecModel):
    """A place on a kept plane: θ = origin + a·u + b·v."""

    run: RunId = described("0" * 15, "The run that made the plane.")
    plane: str = described("0", "The plane's id.", min_length=1, max_length=64)
    a: float = described(0.0, "Coordinate along u.", ge=-1e6, le=1e6)
    b: float = described(0.0, "Coordinate along v.", ge=-1e6, le=1e6)


class CheckpointPoint(SpecModel):
    """A kept moment by its name, ``RUN/LANE/STEP`` or ``RUN/LANE/last``, or a checkpoint file by its own."""

    checkpoint: str = described("0", "The name, as RUN/LANE/STEP, or a file's.", min_length=1, max_length=300)


def _which(value: Any) -> str | None:
    if isinstance(value, RunPoint):
        return "point:run"
    if isinstance(value, InitPoint):
        return "point:init"
    if isinstance(value, PlanePoint):
        return "point:plane"
    if isinstance(value, CheckpointPoint):
        return "point:checkpoint"
    if not isinstance(value, dict):
        return None
    return next((f"point:{key}" for key in ("init", "checkpoint", "plane", "run") if key in value), None)


AnyPoint = Annotated[
    Annotated[RunPoint, Tag("point:run")]
    | Annotated[InitPoint, Tag("point:init")]
    | Annotated[PlanePoint, Tag("point:plane")]
    | Annotated[CheckpointPoint, Tag("point:checkpoint")],
    Discriminator(
        _which,
        custom_error_type="point",
        custom_error_message=(
            "expected an object with run (lane, step, repeat), with init, with run and plane, or with checkpoint"
        ),
    ),
]
