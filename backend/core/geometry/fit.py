"""From a plane's spec to the plane."""

from collections.abc import Mapping, Sequence

from backend.core.analyses.base import LaidPlane, Moment, Path
from backend.core.analyses.failures import Unsupported
from backend.core.geometry.coordinates import coordinate_plane
from backend.core.geometry.pca import fit_pca
from backend.core.geometry.plane import Plane
from backend.core.geometry.random_plane import random_plane
from backend.core.problems.problem import BatchNormPolicy, Problem
from backend.core.runtime.seeding import generator
from backend.schemas.analysis import AnyPlane, CoordinatePlane, KeptPlane, PcaPlane, RandomPlane


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
    kept: Mapping[str, LaidPlane] | None = None,
) -> Plane | None:
    """Make the plane that a spec asks for, where that takes no search: at once, between two steps of a race.

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
        kept: the planes of other runs that a request names, by their ids.

    Returns:
        The plane; None for a PCA plane while fewer than two finite moments differ.

    Raises:
        Unsupported: where a kept plane is not there, is of another problem, or the kind of plane takes a search.
    """
    match spec:
        case RandomPlane():
            return random_plane(spec, problem, start, generator(seed, "plane"), extent, batchnorm)
        case CoordinatePlane():
            return coordinate_plane(spec, problem, start, extent, batchnorm)
        case PcaPlane():
            return fit_pca(paths, generator(seed, "plane"), extent, batchnorm, like, ahead)
        case KeptPlane():
            return kept_plane(spec, problem, kept or {}, extent, batchnorm)
        case _:
            raise Unsupported(
                f"A plane of the kind {spec.kind} is laid at stored moments, and not while a race runs; ask for it "
                "with an analysis of the run."
            )


def kept_plane(
    spec: KeptPlane,
    problem: Problem,
    kept: Mapping[str, LaidPlane],
    extent: float = 1.0,
    batchnorm: BatchNormPolicy = "frozen",
) -> Plane:
    """Take up a plane that another run has kept, under the id that it has there.

    Args:
        spec: which plane.
        problem: whose parameters it must hold.
        kept: the planes that were loaded, by their ids.
        extent: how far the picture reaches.
        batchnorm: which statistics BatchNorm uses on it.

    Returns:
        The plane.

    Raises:
        Unsupported: where it is not there, or is of another problem.
    """
    laid = kept.get(spec.plane)
    if laid is None:
        raise Unsupported(f"The plane {spec.plane!r} of run {spec.run} is not here; its run may have been deleted.")
    if laid.u_P.numel() != problem.layout.size or laid.origin.buffers_B.numel() != problem.buffer_layout.size:
        raise Unsupported(
            f"This problem has {problem.layout.size} parameters, and the plane {spec.plane} was laid through "
            f"{laid.u_P.numel()}; take a plane of the same problem."
        )
    about = laid.about
    return Plane(
        kind=about.kind_of_plane,
        origin=laid.origin,
        u_P=laid.u_P,
        v_P=laid.v_P,
        extent=extent,
        batchnorm=batchnorm,
        normalization=about.normalization,
        bias=about.bias,
        explained=about.explained,
        axis_a=about.axis_a,
        axis_b=about.axis_b,
        kept_as=spec.plane,
    )
