"""Learning-rate schedules: a factor on the base rate as a function of the step."""

import math
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from backend.schemas.base import SpecModel
from backend.schemas.fields import described, kind_of

MOST_STEPS = 10_000_000
Place = Annotated[int, Field(ge=0, le=MOST_STEPS)]
Share = Annotated[float, Field(ge=0.0, le=1e4)]


class ScheduleSpec(SpecModel):
    """What all schedules share; T is the run's number of steps, t = 0 … T−1 the step."""

    title: ClassVar[str]
    summary: ClassVar[str]
    equation: ClassVar[str]
    reference: ClassVar[str] = ""


class ConstantSchedule(ScheduleSpec):
    """The base rate at every step."""

    title = "Constant"
    summary = "The base rate at every step."
    equation = "factor(t) = 1"
    kind: Literal["constant"] = kind_of("constant")

    def factor(self, step: int, steps: int) -> float:
        """Return 1."""
        return 1.0


class CosineSchedule(ScheduleSpec):
    """From the base rate down to a share of it along half a cosine, after a linear warm-up where asked for."""

    title = "Cosine"
    summary = "Down to a final share along half a cosine, after a linear warm-up where asked for."
    equation = "factor(t) = f + (1 − f)·½(1 + cos π(t − w)/(T − w)); (t + 1)/w while t < w"
    kind: Literal["cosine"] = kind_of("cosine")
    final: float = described(0.0, "Share of the base rate at the end.", ge=0.0, le=1.0)
    warmup: int = described(0, "Steps over which the rate first rises from 0.", unit="steps", ge=0, le=MOST_STEPS)

    def factor(self, step: int, steps: int) -> float:
        """Return (t + 1)/w while t < w, then f + (1 − f)·½(1 + cos π(t − w)/(T − w))."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        return _half_cosine((step - self.warmup) / max(steps - self.warmup, 1), 1.0, self.final)


class LinearSchedule(ScheduleSpec):
    """A linear rise, a plateau, and a linear fall (a trapezium)."""

    title = "Linear warm-up and cooldown"
    summary = "Rises linearly, stays, then falls linearly."
    equation = "factor(t) = min(1, (t + 1)/warmup, f + (1 − f)·(T − t)/cooldown)"
    kind: Literal["linear"] = kind_of("linear")
    warmup: int = described(0, "Steps of the rise from 0 to the base rate.", unit="steps", ge=0, le=MOST_STEPS)
    cooldown: int = described(0, "Steps of the fall at the end.", unit="steps", ge=0, le=MOST_STEPS)
    final: float = described(0.0, "Share of the base rate that the fall ends at.", ge=0.0, le=1.0)

    def factor(self, step: int, steps: int) -> float:
        """Return min(1, (t + 1)/warmup, f + (1 − f)·(T − t)/cooldown), without the terms whose length is 0."""
        rise = (step + 1) / self.warmup if self.warmup else 1.0
        fall = self.final + (1.0 - self.final) * max(steps - step, 0) / self.cooldown if self.cooldown else 1.0
        return min(1.0, rise, fall)


class RestartsSchedule(ScheduleSpec):
    """Half cosines one after the other, each starting again at the base rate."""

    title = "Warm restarts"
    summary = "Falls along half a cosine again and again, each time from the base rate."
    equation = "factor(t) = f + (1 − f)·½(1 + cos π(t − tᵢ)/Tᵢ), Tᵢ = T₀·gⁱ, tᵢ = T₀ + … + Tᵢ₋₁"
    reference = "Loshchilov & Hutter 2017, SGDR: stochastic gradient descent with warm restarts"
    kind: Literal["restarts"] = kind_of("restarts")
    period: int = described(100, "Steps of the first fall, T₀.", unit="steps", ge=1, le=MOST_STEPS)
    growth: float = described(1.0, "Each fall lasts this many times the one before, g.", ge=1.0, le=100.0)
    final: float = described(0.0, "Share of the base rate that each fall ends at.", ge=0.0, le=1.0)

    def factor(self, step: int, steps: int) -> float:
        """Return the half cosine of the fall that the step lies in."""
        since, period = float(step), float(self.period)
        while since >= period:
            since, period = since - period, period * self.growth
        return _half_cosine(since / period, 1.0, self.final)


class StepSchedule(ScheduleSpec):
    """A constant factor between given steps."""

    title = "Steps"
    summary = "The base rate, then a given multiple of it from each given step on."
    equation = "factor(t) = 1 for t < s₁; fᵢ for sᵢ ≤ t < sᵢ₊₁"
    kind: Literal["step"] = kind_of("step")
    at: tuple[Place, ...] = described((150, 225), "Steps at which the rate changes, rising.", max_length=100)
    factors: tuple[Share, ...] = described(
        (0.1, 0.01), "Multiple of the base rate from each of these steps on.", max_length=100
    )

    @model_validator(mode="after")
    def _one_factor_each(self) -> Self:
        if len(self.at) != len(self.factors):
            raise ValueError(
                f"expected one factor for each step, got {len(self.at)} steps and {len(self.factors)} factors"
            )
        if list(self.at) != sorted(set(self.at)):
            raise ValueError("expected steps that rise, each larger than the one before")
        return self

    def factor(self, step: int, steps: int) -> float:
        """Return the factor of the last change that the step has reached."""
        reached = sum(place <= step for place in self.at)
        return self.factors[reached - 1] if reached else 1.0


class OneCycleSchedule(ScheduleSpec):
    """One rise to the base rate, and one fall far below where it began."""

    title = "One cycle"
    summary = "Rises from a small share to the base rate, then falls to next to nothing, along half cosines."
    equation = "factor(t) from s to 1 along half a cosine until t = ρT − 1, then from 1 to f until t = T − 1"
    reference = "Smith & Topin 2018, Super-convergence: very fast training using large learning rates"
    kind: Literal["one_cycle"] = kind_of("one_cycle")
    rise: float = described(0.3, "Share ρ of the steps in which the rate rises.", gt=0.0, lt=1.0)
    start: float = described(0.04, "Share s of the base rate at the first step.", scale="log", gt=0.0, le=1.0)
    final: float = described(4e-6, "Share f of the base rate at the last step.", scale="log", ge=0.0, le=1.0)

    def factor(self, step: int, steps: int) -> float:
        """Return the rising or the falling half cosine."""
        top, end = self.rise * steps - 1.0, steps - 1.0
        if step <= top:
            return _half_cosine(step / top if top > 0.0 else 1.0, self.start, 1.0)
        return _half_cosine((step - top) / (end - top) if end > top else 1.0, 1.0, self.final)


def _half_cosine(share: float, start: float, end: float) -> float:
    """Go from start to end along half a cosine as the share goes from 0 to 1."""
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * min(max(share, 0.0), 1.0)))


SCHEDULE_KINDS = (
    ConstantSchedule, CosineSchedule, LinearSchedule, RestartsSchedule, StepSchedule, OneCycleSchedule,
)  # fmt: skip
AnySchedule = Annotated[
    ConstantSchedule | CosineSchedule | LinearSchedule | RestartsSchedule | StepSchedule | OneCycleSchedule,
    Field(discriminator="kind"),
]
