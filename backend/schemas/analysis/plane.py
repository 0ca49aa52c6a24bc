"""Planes: θ = origin + a·u + b·v. How the origin and the two directions are chosen."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from backend.schemas.analysis.curvature import budget, tolerance
from backend.schemas.base import SpecModel
from backend.schemas.fields import described, kind_of
from backend.schemas.ids import RunId


class PlaneSpec(SpecModel):
    """What all planes share."""

    title: ClassVar[str]
    summary: ClassVar[str]
    reference: ClassVar[str]


class RandomPlane(PlaneSpec):
    """Two Gaussian directions, each filter scaled to the norm of the weights' own filter."""

    title = "Random"
    summary = "Two random directions, scaled filter by filter to the weights they are added to."
    reference = "Li et al. 2018, Visualizing the loss landscape of neural nets"
    kind: Literal["random"] = kind_of("random")
    normalization: Literal["filter", "layer", "none"] = described(
        "filter", "Scale each direction to the weights' norm: by filter (row), by layer, or not at all."
    )
    bias: Literal["zero", "copy"] = described(
        "zero", "Directions of one-axis tensors (biases, norm scales): zero, or the weights' own values."
    )


class PcaPlane(PlaneSpec):
    """The two leading principal components of the snapshots of all lanes, scaled so that the paths fit into ±1."""

    title = "PCA"
    summary = "The plane that holds most of the lanes' movement; refitted as training goes."
    reference = "Li et al. 2018, Visualizing the loss landscape of neural nets, section 7"
    kind: Literal["pca"] = kind_of("pca")


class CoordinatePlane(PlaneSpec):
    """Two coordinate axes: for functions of a few variables, ±1 spans the function's own view."""

    title = "Coordinates"
    summary = "Two of the variables themselves: the exact contours of a test function."
    reference = "the function's own variables"
    kind: Literal["coordinates"] = kind_of("coordinates")
    axes: tuple[Annotated[int, Field(ge=0, le=999)], Annotated[int, Field(ge=0, le=999)]] = described(
        (0, 1), "Which two variables, counted from 0."
    )


class EigenPlane(PlaneSpec):
    """The two eigenvectors of the Hessian with the algebraically largest eigenvalues, as unit vectors."""

    title = "Hessian eigenvectors"
    summary = "The two directions in which the loss bends up most, at the first point."
    reference = "Li et al. 2018, Visualizing the loss landscape of neural nets, section 6"
    kind: Literal["eigen"] = kind_of("eigen")
    tol: float = tolerance()
    budget: int = budget()


class GradientEigenPlane(PlaneSpec):
    """The gradient's direction and the Hessian's top eigenvector, as unit vectors: where training goes and bounces."""

    title = "Gradient × top eigenvector"
    summary = "The direction of the gradient, and the one in which the loss bends up most, at the first point."
    reference = (
        "Xing et al. 2018, A walk with SGD; "
        "Cohen et al. 2021, Gradient descent on neural networks typically occurs at the edge of stability"
    )
    kind: Literal["gradient_eigen"] = kind_of("gradient_eigen")
    tol: float = tolerance()
    budget: int = budget()


class ThreePointsPlane(PlaneSpec):
    """The plane through the first three points of the request, at right angles, scaled so that all lie within ±0.8."""

    title = "Through three points"
    summary = "The one plane that holds three chosen points exactly."
    reference = "Garipov et al. 2018, Loss surfaces, mode connectivity, and fast ensembling of DNNs"
    kind: Literal["three_points"] = kind_of("three_points")


class KeptPlane(PlaneSpec):
    """A plane that another run has laid and kept: what is drawn on it lies in that run's picture."""

    title = "Kept"
    summary = "A plane of another run, so that several runs are drawn in one picture."
    reference = "the run that laid it"
    kind: Literal["kept"] = kind_of("kept")
    run: RunId = described("0" * 15, "The run that laid the plane.")
    plane: str = described("0", "The plane's id.", min_length=1, max_length=64)


PLANE_KINDS = (RandomPlane, PcaPlane, CoordinatePlane, EigenPlane, GradientEigenPlane, ThreePointsPlane, KeptPlane)
RACE_PLANES = (RandomPlane, PcaPlane, CoordinatePlane, KeptPlane)  # those that a running race can lay between steps
AnyPlane = Annotated[
    RandomPlane | PcaPlane | CoordinatePlane | EigenPlane | GradientEigenPlane | ThreePointsPlane | KeptPlane,
    Field(discriminator="kind"),
]
