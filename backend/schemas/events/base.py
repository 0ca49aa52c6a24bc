"""What all events share."""

from backend.schemas.base import WireModel


class Event(WireModel):
    """Something that a run tells; ``part`` is not 0 only where a run was split over workers."""

    part: int = 0


class LaneEvent(Event):
    """Something about a lane; ``lane`` and ``step`` are null where they do not apply."""

    lane: str | None = None
    repeat: int = 0
    step: int | None = None


class PointEvent(LaneEvent):
    """Something about a point; ``point`` is the index into ``started.points``, null in a probe."""

    point: int | None = None
