"""Learning-rate schedules: a factor on the base rate as a function of the step."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from backend.schemas.base import SpecModel
from backend.schemas.fields import described, kind_of


class ScheduleSpec(SpecModel):
    """What all schedules share; T is the run's number of steps, t = 0 … T−1 the step."""

    title: ClassVar[str]
    summary: ClassVar[str]
    equation: ClassVar[str]


class ConstantSchedule(ScheduleSpec):
    """The base rate at every step."""

    title = "Constant"
    summary = "The base rate at every step."
    equation = "factor(t) = 1"
    kind: Literal["constant"] = kind_of("constant")


class CosineSchedule(ScheduleSpec):
    """From the base rate down to a share of it along half a cosine, after a linear warm-up where asked for."""

    title = "Cosine"
    summary = "Down to a final share along half a cosine, after a linear warm-up where asked for."
    equation = "factor(t) = f + (1 − f)·½(1 + cos π(t − w)/(T − w)); (t + 1)/w while t < w"
    kind: Literal["cosine"] = kind_of("cosine")
    final: float = described(0.0, "Share of the base rate at the end.", ge=0.0, le=1.0)
    warmup: int = described(0, "Steps over which the rate first rises from 0.", unit="steps", ge=0, le=10_000_000)


class LinearSchedule(ScheduleSpec):
    """A linear rise, a plateau, and a linear fall (a trapezium)."""

    title = "Linear warm-up and cooldown"
    summary = "Rises linearly, stays, then falls linearly."
    equation = "factor(t) = min(1, (t + 1)/warmup, f + (1 − f)·(T − t)/cooldown)"
    kind: Literal["linear"] = kind_of("linear")
    warmup: int = described(0, "Steps of the rise from 0 to the base rate.", unit="steps", ge=0, le=10_000_000)
    cooldown: int = described(0, "Steps of the fall at the end.", unit="steps", ge=0, le=10_000_000)
    final: float = described(0.0, "Share of the base rate that the fall ends at.", ge=0.0, le=1.0)


SCHEDULE_KINDS = (ConstantSchedule, CosineSchedule, LinearSchedule)
AnySchedule = Annotated[ConstantSchedule | CosineSchedule | LinearSchedule, Field(discriminator="kind")]
