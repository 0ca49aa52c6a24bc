"""What all analyses share."""

from typing import ClassVar

from backend.schemas.base import SpecModel


class AnalysisSpec(SpecModel):
    """An analysis with its settings; it works at a point, or as a probe inside training."""

    title: ClassVar[str]
    summary: ClassVar[str]
    equation: ClassVar[str]
    reference: ClassVar[str]
