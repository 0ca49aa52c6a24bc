"""A run that branches off another: a ball dropped on a plane, or a fork of a lane. Pure functions of plain values."""

import copy
from collections.abc import Mapping
from typing import Any

SAME = ("problem", "seed", "dtype", "device", "divergence")  # what the new run has in common with where it starts
ON_PLANE = ("surface", "trajectory")


def branched(request: Mapping[str, Any], parent: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """Make the request of a run that starts where another one was.

    The lanes, the number of steps and the pace are those of the set-up; the problem and the seed are those of the run
    that it starts from. Its paths are drawn on the plane that is shown, where there is one.

    Args:
        request: what the set-up asks for.
        parent: the request of the run that it branches off.
        asked: ``origin``; ``lane``, the set-up's lane that starts (null: all); ``name``; ``plane``, the plane that is
            shown: ``run``, ``plane`` and ``extent``.

    Returns:
        The train request.
    """
    made = copy.deepcopy(dict(request))
    if made["problem"] != parent["problem"]:
        made["batch_size"] = parent.get("batch_size")
    made |= {name: copy.deepcopy(parent[name]) for name in SAME if name in parent}
    made |= {"name": asked["name"], "origin": dict(asked["origin"]), "resume": False, "repeats": 1, "tags": []}
    chosen = [lane for lane in made["lanes"] if lane["name"] == asked.get("lane")]
    made["lanes"] = chosen or made["lanes"]
    plane = asked.get("plane")
    if plane:
        others = [probe for probe in made["probes"] if probe["analysis"]["kind"] not in ON_PLANE]
        made["probes"] = [*(_probe(kind, made["probes"], plane) for kind in ON_PLANE), *others]
    return made


def _probe(kind: str, probes: list[dict[str, Any]], plane: Mapping[str, Any]) -> dict[str, Any]:
    """Make the probe that draws on the shown plane, with the set-up's other settings where it has such a probe."""
    usual: dict[str, Any] = {"every": 4, "late": "skip", "analysis": {"kind": kind}}
    found = copy.deepcopy(next((probe for probe in probes if probe["analysis"]["kind"] == kind), usual))
    found["analysis"]["plane"] = {"kind": "kept", "run": plane["run"], "plane": plane["plane"]}
    if kind == "surface":
        found["analysis"]["extent"] = plane.get("extent", 1.0)
    return found
