"""Filters: what happens to the gradient before the rule sees it; they go on any rule."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from backend.schemas.base import SpecModel
from backend.schemas.fields import described, kind_of


class FilterSpec(SpecModel):
    """A change of the gradient; ``gradients`` is what it costs a step beside the rule, in gradient evaluations."""

    title: ClassVar[str]
    summary: ClassVar[str]
    equation: ClassVar[str]
    reference: ClassVar[str]
    defaults_from: ClassVar[str]
    gradients: ClassVar[float] = 0.0


class ClipFilter(FilterSpec):
    """g ← g·min(1, c/‖g‖)."""

    title = "Clip"
    summary = "Shortens a gradient that is longer than a limit, or cuts its values off."
    equation = "g ← g·min(1, c/‖g‖); by value: each gᵢ into [−c, c]"
    reference = "Pascanu, Mikolov & Bengio 2013, On the difficulty of training recurrent neural networks"
    defaults_from = "ours"
    kind: Literal["clip"] = kind_of("clip")
    limit: float = described(1.0, "Largest length (or value) c of the gradient.", scale="log", gt=0.0, le=1e12)
    by: Literal["norm", "value"] = described("norm", "Shorten the whole gradient, or cut off each value.")


class GrokfastFilter(FilterSpec):
    """h ← αh + (1 − α)g; g ← g + λh."""

    title = "Grokfast"
    summary = "Adds a slow running mean of the gradients to each gradient, to speed up late generalisation."
    equation = "h ← αh + (1 − α)g; g ← g + λh; or h the mean of the last w gradients"
    reference = "Lee, Kang, Kim & Lee 2024, Grokfast: accelerated grokking by amplifying slow gradients"
    defaults_from = "the authors' code's"
    kind: Literal["grokfast"] = kind_of("grokfast")
    average: Literal["running", "window"] = described("running", "A running mean, or the mean of a window.")
    alpha: float = described(0.98, "Decay rate α of the running mean.", title="α", ge=0.0, lt=1.0)
    weight: float = described(2.0, "Weight λ of the slow gradient (5 for a window).", title="Weight λ", ge=0.0, le=1e3)
    window: int = described(100, "Gradients in the window, w; it acts once it is full.", ge=1, le=10_000)


class GradientRegularizationFilter(FilterSpec):
    """g ← ∇(L + ½γ‖∇L‖²), its second part by a finite difference of gradients."""

    title = "Gradient regularisation"
    summary = "Descends the loss plus a penalty on the length of its gradient, at one more gradient a step."
    equation = "g ← g + γ·(∇L(θ + εg) − g)/ε; backward: g + γ·(g − ∇L(θ − εg))/ε"
    reference = "Karakida, Takase, Hayase & Osawa 2023, Understanding gradient regularization in deep learning"
    defaults_from = "ours"
    gradients = 1.0
    kind: Literal["gradient_regularization"] = kind_of("gradient_regularization")
    strength: float = described(0.01, "Weight γ of the penalty.", title="Strength γ", scale="log", ge=0.0, le=1e4)
    ascent: float = described(0.01, "Length ε of the step along g.", title="Step ε", scale="log", gt=0.0, le=1e3)
    difference: Literal["forward", "backward"] = described("forward", "Look uphill or downhill.")


FILTER_KINDS = (ClipFilter, GrokfastFilter, GradientRegularizationFilter)
AnyFilter = Annotated[ClipFilter | GrokfastFilter | GradientRegularizationFilter, Field(discriminator="kind")]
