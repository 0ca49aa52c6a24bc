"""Hidden units that may change places: what a network's function does not depend on.

A network declares its groups of interchangeable units: permuting the units of a group in every tensor that they touch
leaves the function as it is. Where the nonlinearity φ is positively homogeneous, φ(az) = a·φ(z) for a > 0 (ReLU), so
does scaling a unit where it is made and unscaling it where it is read.
"""

from dataclasses import dataclass
from typing import Literal

Role = Literal["made", "read", "inner"]


@dataclass(frozen=True)
class Axis:
    """An axis of a tensor along which a group's units lie.

    ``role`` says what scaling a unit by a does to the tensor: ``made`` scales with a, ``read`` with 1/a, and ``inner``
    stays (what a norm follows: its scale is lost there). Along the axis each unit takes ``repeat`` places in a row:
    the pixels of a channel that a dense layer reads flattened.
    """

    tensor: str
    axis: int
    role: Role
    repeat: int = 1


@dataclass(frozen=True)
class Units:
    """A group of interchangeable hidden units.

    With GroupNorm only units of one cell may change places, and cells as wholes: ``cells`` of equal size.

    Attributes:
        size: how many units.
        axes: where they lie among the parameters.
        buffers: buffers [size] of BatchNorm that go along.
        cells: groups of GroupNorm; 1 where any permutation is allowed.
    """

    size: int
    axes: tuple[Axis, ...]
    buffers: tuple[str, ...] = ()
    cells: int = 1

    def of(self, role: Role) -> tuple[Axis, ...]:
        """Return the axes of one role."""
        return tuple(axis for axis in self.axes if axis.role == role)
