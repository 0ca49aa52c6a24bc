"""What all analyses share."""

from collections.abc import Mapping
from typing import ClassVar

from backend.schemas.base import SpecModel


class AnalysisSpec(SpecModel):
    """An analysis with its settings; it works at a point, or as a probe inside training."""

    title: ClassVar[str]
    summary: ClassVar[str]
    equation: ClassVar[str]
    reference: ClassVar[str]
    along: ClassVar[Mapping[str, object]] = {}  # what a form suggests instead of the defaults, for a probe
