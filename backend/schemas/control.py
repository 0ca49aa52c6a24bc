"""Control messages: what may be asked of a running race, obeyed between two steps."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from backend.schemas.base import SpecModel
from backend.schemas.fields import described, kind_of

EVERY_LANE = "The lane; null for the whole run."


class Pause(SpecModel):
    """Stop between two steps until resumed."""

    action: Literal["pause"] = kind_of("pause")


class Resume(SpecModel):
    """Go on."""

    action: Literal["resume"] = kind_of("resume")


class Step(SpecModel):
    """Take n steps, then stay paused; pauses if running."""

    action: Literal["step"] = kind_of("step")
    n: int = described(1, "How many steps.", ge=1, le=100_000)


class Set(SpecModel):
    """Change a hyper-parameter of a lane, or the run's pace."""

    action: Literal["set"] = kind_of("set")
    lane: str | None = described(None, EVERY_LANE)
    field: str = described("lr", "The hyper-parameter; under a schedule, lr is the base rate. pace belongs to the run.")
    value: float | None = described(None, "The new value; null is for pace alone (flat out).")


class Cancel(SpecModel):
    """Stop for good: a lane, or the whole run."""

    action: Literal["cancel"] = kind_of("cancel")
    lane: str | None = described(None, EVERY_LANE)


AnyControl = Annotated[Pause | Resume | Step | Set | Cancel, Field(discriminator="action")]
CONTROL: TypeAdapter[AnyControl] = TypeAdapter(AnyControl)
