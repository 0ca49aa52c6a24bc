"""What a provider's rule remembers, as tensors by name: so a checkpoint holds numbers, lists and words, too.

A tensor keeps its name, as in ``0.exp_avg``; members of a list are numbered, as in ``0.Q.1``; all else says its type
after a colon, as in ``0.step:int``.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor


def pack(name: str, value: Any) -> Iterator[tuple[str, Tensor]]:
    """Write a value as named tensors.

    Args:
        name: what it is called.
        value: a tensor, number, text, None, or a list, tuple or dictionary of such.

    Yields:
        Name and tensor; :func:`unpack` reads them back.

    Raises:
        TypeError: for anything else.
    """
    match value:
        case Tensor():
            yield name, value
        case None:
            yield f"{name}:none", torch.empty(0)
        case bool() | int():
            yield f"{name}:{type(value).__name__}", torch.tensor(int(value))
        case float():
            yield f"{name}:float", torch.tensor(value, dtype=torch.float64)
        case str():
            yield f"{name}:str", torch.tensor(list(value.encode()), dtype=torch.uint8)
        case list() | tuple():
            yield f"{name}:{type(value).__name__}", torch.tensor(len(value))
            for i, member in enumerate(value):
                yield from pack(f"{name}.{i}", member)
        case dict():
            for key, member in value.items():
                yield from pack(f"{name}.{key}", member)
        case _:
            raise TypeError(f"expected a tensor, number, text, None or a list of such, got a {type(value).__name__}")


def unpack(packed: Mapping[str, Tensor]) -> dict[str, Any]:
    """Read back what :func:`pack` has written, tensors as copies.

    Args:
        packed: named tensors.

    Returns:
        The values by the first part of their names; dictionaries below that.

    Example:
        >>> state = {"step": 3, "Q": [torch.ones(1), []], "rate": 0.1, "rule": "ab,b->a", "none": None}
        >>> unpack(dict(pack("0", state)))
        {'0': {'step': 3, 'Q': [tensor([1.]), []], 'rate': 0.1, 'rule': 'ab,b->a', 'none': None}}
    """
    found: dict[str, Any] = {}
    lists: list[tuple[dict[str, Any], str, type]] = []
    for full, tensor in packed.items():
        path, _, kind = full.partition(":")
        *above, last = path.split(".")
        place = found
        for part in above:
            place = place.setdefault(part, {})
        if kind in ("list", "tuple"):
            place[last] = {}
            lists.append((place, last, list if kind == "list" else tuple))
        else:
            place[last] = _plain(kind, tensor)
    for place, last, kind_of_list in reversed(lists):  # inner ones came after the outer ones
        place[last] = kind_of_list(place[last].values())
    return found


def _plain(kind: str, tensor: Tensor) -> Any:
    match kind:
        case "none":
            return None
        case "bool" | "int" | "float":
            return {"bool": bool, "int": int, "float": float}[kind](tensor.item())
        case "str":
            return bytes(tensor.tolist()).decode()
        case _:
            return tensor.clone()
