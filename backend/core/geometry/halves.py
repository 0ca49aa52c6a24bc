"""Dropout stability: half of the hidden units of every layer do the work of all.

Shapes: P parameters, n units of a group, F weights that make a unit.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from backend.core.geometry.directions import exact
from backend.core.problems.params import Layout
from backend.core.problems.units import Axis, Units


def halved(params_P: Tensor, layout: Layout, units: Sequence[Units]) -> Tensor:
    """Silence one unit of every pair of alike ones, and read its partner twice.

    What reads a group is set to 0 at the silenced unit and doubled at the kept one. Pairs are made greedily, the two
    units with the closest weights first, so where every unit is there twice, no output changes. An odd unit out is
    kept as it is.

    Kuditipudi et al. 2019, Explaining landscape connectivity of low-cost solutions for multilayer nets, definition 1
    (any half may be chosen there).

    Args:
        params_P: the parameters; left as they are.
        layout: where each tensor lies.
        units: the groups.

    Returns:
        The parameters of the halved network [P].
    """
    tensors = layout.unflatten(params_P.clone())
    origin = layout.unflatten(params_P)
    for group in units:
        factor_n = torch.ones(group.size, dtype=params_P.dtype, device=params_P.device)
        for kept, silenced in pairs(origin, group):
            factor_n[kept], factor_n[silenced] = 2.0, 0.0
        for axis in group.of("read"):
            scaled(tensors[axis.tensor], axis, factor_n)
    return torch.cat([tensor.flatten() for tensor in tensors.values()])


def pairs(tensors: dict[str, Tensor], group: Units) -> list[tuple[int, int]]:
    """Pair the units of a group, closest first by the distance of the weights that make them.

    With GroupNorm a unit's value depends on the others of its cell, which stay as they are: nothing is silenced
    before a norm, only behind it.

    Args:
        tensors: the parameters by name.
        group: whose units.

    Returns:
        Disjoint pairs; of an odd number of units the last is left out.
    """
    rows = [exact(tensors[axis.tensor]).reshape(group.size, -1).cpu() for axis in group.axes if axis.role != "read"]
    made_nF = torch.cat(rows, 1)
    first, second = torch.triu_indices(group.size, group.size, 1)
    far = torch.cdist(made_nF, made_nF)[first, second]
    free, found = set(range(group.size)), []
    for index in torch.argsort(far, stable=True).tolist():
        i, j = int(first[index]), int(second[index])
        if i in free and j in free:
            free -= {i, j}
            found.append((i, j))
    return found


def scaled(tensor: Tensor, axis: Axis, factor_n: Tensor) -> None:
    """Multiply a tensor, in place, by one factor for each unit along its axis."""
    shape = [1] * tensor.dim()
    shape[axis.axis] = -1
    tensor *= factor_n.repeat_interleave(axis.repeat).view(shape)
