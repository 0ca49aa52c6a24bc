"""What presets are made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Preset:
    """A race to start from.

    ``variants`` are the values that differ where one Start opens several runs in one view; ``also`` are analyses of the
    race's problem, by the rules of its lanes, that start along with it.
    """

    name: str
    title: str
    sentence: str  # what there is to see
    request: Mapping[str, Any]
    variants: tuple[Mapping[str, Any], ...] = ()
    also: tuple[Mapping[str, Any], ...] = ()
    choices: Mapping[str, str] = field(default_factory=lambda: {"curves.scale": "log"})  # of the panels, to see it best


def lane(name: str, kind: str, **settings: Any) -> dict[str, Any]:
    """Write a lane with a constant learning rate."""
    return {"name": name, "optimizer": {"kind": kind, **settings}}


def landscape(plane: str, *, every: int, paths: int, resolution: int = 33) -> list[dict[str, Any]]:
    """Write the probes of a landscape with its paths."""
    chosen = {"kind": plane}
    surface = {"kind": "surface", "plane": chosen, "resolution": resolution}
    return [
        {"every": every, "late": "skip", "analysis": surface},
        {"every": paths, "late": "skip", "analysis": {"kind": "trajectory", "plane": chosen}},
    ]
