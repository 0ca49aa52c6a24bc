"""Events by family, their closed union, and the envelope that numbers them."""

from typing import Annotated

from pydantic import Field, TypeAdapter

from backend.schemas.base import WireModel
from backend.schemas.events.base import Event, LaneEvent, PointEvent
from backend.schemas.events.connectivity import Barrier
from backend.schemas.events.curvature import Eigenvalues, Index, Overlap, Spectrum, Trace
from backend.schemas.events.dimension import Dimension
from backend.schemas.events.geometry import Axis, PathPoints, Plane, Profile, SurfaceTile
from backend.schemas.events.gradients import Conflict, ExamplePictures, Examples, GradientStats, Kernel, Opposition
from backend.schemas.events.lifecycle import Controlled, Failed, Finished, Progress, ResolvedPoint, Started
from backend.schemas.events.movement import Movement, MovementBand
from backend.schemas.events.roughness import Roughness
from backend.schemas.events.rules import Basin, Sweep
from backend.schemas.events.saliency import SaliencyExample, SaliencyMap
from backend.schemas.events.sharpness import Sharpness
from backend.schemas.events.solution import Solution
from backend.schemas.events.teleport import Teleport
from backend.schemas.events.training import Band, Checkpoint, Eval, Fit, LaneEnded, Snapshot, TrainChunk
from backend.schemas.events.trust import Trust

__all__ = [
    "EVENT", "EVENT_KINDS", "AnyEvent", "Axis", "Band", "Barrier", "Basin", "Checkpoint", "Conflict", "Controlled",
    "Dimension", "Eigenvalues", "Envelope", "Eval", "Event", "ExamplePictures", "Examples", "Failed", "Finished",
    "Fit", "GradientStats", "Index", "Kernel", "LaneEnded", "LaneEvent", "Movement", "MovementBand", "Opposition",
    "Overlap", "PathPoints", "Plane", "PointEvent", "Profile", "Progress", "ResolvedPoint", "Roughness",
    "SaliencyExample", "SaliencyMap", "Sharpness", "Snapshot", "Solution", "Spectrum", "Started", "SurfaceTile",
    "Sweep", "Teleport", "Trace", "TrainChunk", "Trust",
]  # fmt: skip

EVENT_KINDS = (
    Started, Progress, Controlled, Failed, Finished,
    TrainChunk, Band, Eval, Fit, LaneEnded, Snapshot, Checkpoint,
    Plane, PathPoints, SurfaceTile, Profile,
    Sharpness, Eigenvalues, Spectrum, Trace, Index, Overlap,
    Barrier, Dimension, GradientStats, Opposition, Examples, ExamplePictures, Conflict, Kernel,
    SaliencyExample, SaliencyMap, Trust, Roughness,
    Basin, Sweep, Solution, Movement, MovementBand, Teleport,
)  # fmt: skip
AnyEvent = Annotated[
    Started
    | Progress
    | Controlled
    | Failed
    | Finished
    | TrainChunk
    | Band
    | Eval
    | Fit
    | LaneEnded
    | Snapshot
    | Checkpoint
    | Plane
    | PathPoints
    | SurfaceTile
    | Profile
    | Sharpness
    | Eigenvalues
    | Spectrum
    | Trace
    | Index
    | Overlap
    | Barrier
    | Dimension
    | GradientStats
    | Opposition
    | Examples
    | ExamplePictures
    | Conflict
    | Kernel
    | SaliencyExample
    | SaliencyMap
    | Trust
    | Roughness
    | Basin
    | Sweep
    | Solution
    | Movement
    | MovementBand
    | Teleport,
    Field(discriminator="kind"),
]
EVENT: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)


class Envelope(WireModel):
    """An event with its run, its number (1, 2, 3 … without gaps) and the time it was stored (UTC)."""

    run: str
    seq: int
    at: str
    event: AnyEvent
