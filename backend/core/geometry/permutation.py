"""Hidden units change places: a network's parameters under permutations that leave its function as it is.

Shapes: P parameters, B buffer values, n units of a group. A permutation perm_n puts unit perm[i] in place i.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from backend.core.problems.params import Layout
from backend.core.problems.units import Axis, Units

Permutations = tuple[Tensor, ...]  # perm_n (int64, CPU) for each group of units


def identity(units: Sequence[Units]) -> Permutations:
    """Return the permutations that leave every unit where it is."""
    return tuple(torch.arange(group.size) for group in units)


def random_permutations(units: Sequence[Units], generator: Generator) -> Permutations:
    """Draw permutations uniformly from those that are allowed: with GroupNorm, cells and units within each."""
    return tuple(_random(group, generator) for group in units)


def inverse(permutations: Permutations) -> Permutations:
    """Return the permutations that undo these.

    Example:
        >>> there = (torch.tensor([2, 0, 1]),)
        >>> inverse(there)[0][there[0]].tolist()
        [0, 1, 2]
    """
    return tuple(torch.argsort(perm_n) for perm_n in permutations)


def permuted(params_P: Tensor, layout: Layout, units: Sequence[Units], permutations: Permutations) -> Tensor:
    """Move units to their new places in every tensor that they touch; the function stays what it is.

    Args:
        params_P: the parameters; left as they are.
        layout: where each tensor lies.
        units: the groups.
        permutations: one for each group.

    Returns:
        The permuted parameters [P].

    Example:
        >>> layout = Layout((("0.weight", (2, 1)), ("2.weight", (1, 2))))
        >>> group = Units(2, (Axis("0.weight", 0, "made"), Axis("2.weight", 1, "read")))
        >>> permuted(torch.tensor([1.0, 2.0, 3.0, 4.0]), layout, [group], (torch.tensor([1, 0]),)).tolist()
        [2.0, 1.0, 4.0, 3.0]
    """
    tensors = layout.unflatten(params_P)
    for group, perm_n in zip(units, permutations, strict=True):
        for axis in group.axes:
            tensors[axis.tensor] = along(tensors[axis.tensor], axis, perm_n)
    return torch.cat([tensor.flatten() for tensor in tensors.values()])


def permuted_buffers(buffers_B: Tensor, layout: Layout, units: Sequence[Units], permutations: Permutations) -> Tensor:
    """Move BatchNorm's running statistics with their units; see :func:`permuted`."""
    if not layout.entries:
        return buffers_B
    tensors = layout.unflatten(buffers_B)
    for group, perm_n in zip(units, permutations, strict=True):
        for name in group.buffers:
            tensors[name] = tensors[name][perm_n.to(buffers_B.device)]
    return torch.cat([tensor.flatten() for tensor in tensors.values()])


def along(tensor: Tensor, axis: Axis, perm_n: Tensor) -> Tensor:
    """Permute one axis of a tensor, ``repeat`` places at a time."""
    parted: Tensor = tensor.unflatten(axis.axis, (-1, axis.repeat))
    return parted.index_select(axis.axis, perm_n.to(tensor.device)).flatten(axis.axis, axis.axis + 1)


def _random(group: Units, generator: Generator) -> Tensor:
    width = group.size // group.cells
    cells = torch.randperm(group.cells, generator=generator)
    return torch.cat([cell * width + torch.randperm(width, generator=generator) for cell in cells])
