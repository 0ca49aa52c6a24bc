"""Planes: θ = origin + a·u + b·v. How the origin and the two directions are chosen."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from backend.schemas.base import SpecModel
from backend.schemas.fields import described, kind_of


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


PLANE_KINDS = (RandomPlane, PcaPlane, CoordinatePlane)
AnyPlane = Annotated[RandomPlane | PcaPlane | CoordinatePlane, Field(discriminator="kind")]
