"""What a provider's rule remembers, as tensors by name: so a checkpoint holds numbers, lists and words, too.

A tensor keeps its name, as in ``0.exp_avg``; members of a list are numbered, as in ``0.Q.1``; all else says its type
after a colon, as in ``0.step:int``. A tensor that lies transposed in memory, as factorizations leave them, is written
straight and says so, as in ``0.Q.0:transposed``: products of it would round otherwise in another layout.
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
        case Tensor() if value.ndim == 2 and value.mT.is_contiguous() and not value.is_contiguous():
            yield f"{name}:transposed", value.mT
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
        packed: named tensors, in any order: a file keeps another than they were packed in.

    Returns:
        The values by the first part of their names; dictionaries below that.

    Example:
        >>> state = {"step": 3, "Q": [torch.ones(1), []], "rate": 0.1, "rule": "ab,b->a", "none": None}
        >>> unpack(dict(pack("0", state)))
        {'0': {'step': 3, 'Q': [tensor([1.]), []], 'rate': 0.1, 'rule': 'ab,b->a', 'none': None}}
    """
    found: dict[str, Any] = {}
    lists: list[tuple[int, dict[str, Any], str, type]] = []  # how deep it lies, where, and what it becomes
    for full, tensor in packed.items():
        path, _, kind = full.partition(":")
        *above, last = path.split(".")
        place = found
        for part in above:
            place = place.setdefault(part, {})
        if kind in ("list", "tuple"):
            place.setdefault(last, {})
            lists.append((len(above), place, last, list if kind == "list" else tuple))
        else:
            place[last] = _plain(kind, tensor)
    for _, place, last, kind_of_list in sorted(lists, key=lambda each: -each[0]):  # inner ones first
        place[last] = kind_of_list(place[last][i] for i in sorted(place[last], key=int))
    return found


def _plain(kind: str, tensor: Tensor) -> Any:
    match kind:
        case "none":
            return None
        case "bool" | "int" | "float":
            return {"bool": bool, "int": int, "float": float}[kind](tensor.item())
        case "str":
            return bytes(tensor.tolist()).decode()
        case "transposed":
            return tensor.clone(memory_format=torch.contiguous_format).mT
        case _:
            return tensor.clone()
