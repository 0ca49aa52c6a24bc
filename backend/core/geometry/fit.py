"""From a plane's spec to the plane."""

from collections.abc import Sequence

from backend.core.analyses.base import Moment, Path
from backend.core.geometry.coordinates import coordinate_plane
from backend.core.geometry.pca import fit_pca
from backend.core.geometry.plane import Plane
from backend.core.geometry.random_plane import random_plane
from backend.core.problems.problem import BatchNormPolicy, Problem
from backend.core.runtime.seeding import generator
from backend.schemas.analysis import AnyPlane, CoordinatePlane, PcaPlane, RandomPlane


def unsupported_plane(spec: AnyPlane, problem: Problem) -> str | None:
    """Return None, or the sentence that says why a problem has no such plane."""
    size = problem.layout.size
    if size < 2:
        return f"A plane needs at least two parameters, and this problem has {size}."
    if isinstance(spec, RandomPlane) and problem.view is None:
        weights = sum(end - start for _, shape, start, end in problem.layout.slices if len(shape) > 1)
        if weights < 2:
            return f"Two random directions need at least two weights beside biases, and this problem has {weights}."
    if isinstance(spec, CoordinatePlane):
        if spec.axes[0] == spec.axes[1]:
            return f"A plane needs two different variables; axes names {spec.axes[0]} twice."
        if max(spec.axes) >= size:
            return f"axes names variable {max(spec.axes)}, and the last of this problem's {size} is {size - 1}."
    return None


def fit_plane(
    spec: AnyPlane,
    problem: Problem,
    start: Moment,
    paths: Sequence[Path],
    seed: int,
    *,
    extent: float = 1.0,
    batchnorm: BatchNormPolicy = "frozen",
    like: Plane | None = None,
    ahead: bool = False,
) -> Plane | None:
    """Make the plane that a spec asks for.

    Args:
        spec: the kind of plane and its settings.
        problem: whose parameters it holds.
        start: the origin of random and coordinate planes.
        paths: the moments that a PCA plane is fitted to.
        seed: of the request; the same seed at the same origin gives the same plane everywhere.
        extent: how far the picture reaches, in units of the directions.
        batchnorm: which statistics BatchNorm uses on it.
        like: an earlier PCA plane, whose way the new directions point.
        ahead: of a PCA plane: leave room for where the paths are heading.

    Returns:
        The plane; None for a PCA plane while fewer than two finite moments differ.
    """
    match spec:
        case RandomPlane():
            return random_plane(spec, problem, start, generator(seed, "plane"), extent, batchnorm)
        case CoordinatePlane():
            return coordinate_plane(spec, problem, start, extent, batchnorm)
        case PcaPlane():
            return fit_pca(paths, generator(seed, "plane"), extent, batchnorm, like, ahead)
