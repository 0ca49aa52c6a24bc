"""What planes and surfaces tell."""

from typing import Literal

from backend.schemas.array import Array
from backend.schemas.base import WireModel
from backend.schemas.events.base import Event, PointEvent


class Axis(WireModel):
    """How a plane's coordinate is shown: ``offset + scale · coordinate``, under this label."""

    label: str
    offset: float = 0.0
    scale: float = 1.0


class Plane(PointEvent):
    """A plane θ = origin + a·u + b·v; ``plane`` names its contents, so the same plane has the same id everywhere."""

    kind: Literal["plane"] = "plane"
    plane: str
    kind_of_plane: str
    normalization: str | None
    bias: str | None
    batchnorm: str
    extent: float
    u_norm: float
    v_norm: float
    explained: tuple[float, float] | None  # shares of the variance, for PCA
    axis_a: Axis
    axis_b: Axis


class PathPoints(Event):
    """Columns of n moments of a lane on a plane; ``loss`` is NaN where it was not evaluated."""

    kind: Literal["path_points"] = "path_points"
    lane: str | None = None
    repeat: int = 0
    point: int | None = None
    plane: str
    step: Array  # [n] int32
    a: Array  # [n]
    b: Array  # [n]
    off_plane: Array  # [n] distance to the plane
    loss: Array  # [n] on the surface's own data


class Profile(PointEvent):
    """The loss along a line; NaN or infinity always means "not finite there"; later profiles of a line overwrite."""

    kind: Literal["profile"] = "profile"
    label: str  # what line it is
    t: Array  # [n]
    loss: Array  # [n] the mean over directions
    stderr: Array | None  # [n] of that mean; for one direction, of the loss where a part of the data was used
    length: float  # of the directions: the distance in parameter space of one unit of t
    directions: int
    level: int  # points along the line
    data_fraction: float
    final: bool


class SurfaceTile(PointEvent):
    """A complete sub-grid of a surface; NaN or infinity always means "not finite there"; later tiles overwrite.

    Coordinates are exact multiples of extent/64. Tiles of one surface lie on nested grids; ``bound``, ``coarsest`` and
    ``least_fraction`` are about the whole picture that all tiles so far make.
    """

    kind: Literal["surface_tile"] = "surface_tile"
    plane: str
    level: int  # points a side of the whole grid at this tile's spacing
    a: Array  # [n] horizontal
    b: Array  # [m] vertical
    loss: Array  # [n, m]
    stderr: Array | None  # [n, m], where a subset of the data was used
    bound: float | None  # estimated error as a share of the range: every cell that is drawn lies within about so much
    data_fraction: float  # share of the training split under every cell of this tile
    final: bool
    coarsest: int | None = None  # the level that every part of the picture has reached; null: this tile's
    least_fraction: float | None = None  # share of the training split under every cell so far; null: this tile's
    even: bool = True  # whether all parts have the same level
    arithmetic: str | None = None  # number format of the evaluation; null: the run's own
