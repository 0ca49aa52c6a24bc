"""The loss at many points: what it is measured on, where, how fast, and how sure it is."""

from backend.core.geometry.evaluate.arithmetic import Arithmetic, unsupported_arithmetic
from backend.core.geometry.evaluate.evaluator import Evaluator, Losses, Measured, finish, measure
from backend.core.geometry.evaluate.sample import Sample, sample
from backend.core.geometry.evaluate.span import Span
from backend.core.geometry.evaluate.tally import Tally

__all__ = [
    "Arithmetic", "Evaluator", "Losses", "Measured", "Sample", "Span", "Tally", "finish", "measure", "sample",
    "unsupported_arithmetic",
]  # fmt: skip
