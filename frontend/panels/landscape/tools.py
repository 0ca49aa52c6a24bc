"""What can be done with the landscape: drop a ball on it, or draw another picture of the same runs.

The rows of controls are filled by ``assets/tool_*.js`` when they are first opened.
"""

import json
from typing import Any, Final

from dash import html

from backend.schemas.analysis import (
    BasinAnalysis,
    CoordinatePlane,
    EigenLine,
    EigenPlane,
    GradientEigenPlane,
    IntrinsicDimensionAnalysis,
    PcaPlane,
    RandomLine,
    RandomPlane,
    SweepAnalysis,
    TeleportAnalysis,
    ThreePointsPlane,
)
from backend.schemas.analysis.line import BetweenLine
from frontend.components.node import Node
from frontend.panels.tools import strip, tool

FAMILIES: Final = {
    "surface": "Plane",
    "slice": "Slice",
    "intrinsic_dimension": "Symmetry and size",
    "teleport": "Symmetry and size",
    "basin": "Rules",
    "sweep": "Rules",
}


def surface(plane: Any) -> dict[str, Any]:
    """Ask for the loss on a plane, with the lanes' paths on it."""
    return {"kind": "surface", "plane": plane.model_dump(mode="json"), "paths": True}


def slice_along(line: Any, low: float = -1.0, high: float = 1.0) -> dict[str, Any]:
    """Ask for the loss along a line."""
    return {"kind": "slice", "line": line.model_dump(mode="json"), "low": low, "high": high}


def of_rules(kind: str) -> dict[str, Any]:
    """Ask for a comparison of the chosen lanes' rules, which the script fills in."""
    return {"kind": kind, "rules": []}


def look(
    name: str, kind: Any, analysis: dict[str, Any], points: int = 1, title: str = "", *, start: bool = False
) -> dict[str, Any]:
    """Describe one picture that can be asked for.

    Returns:
        ``points`` are the lanes that it needs at least; with ``start`` it is of the first one's initial point.
    """
    family = FAMILIES[analysis["kind"]]
    text = title or kind.title
    return {
        "value": name,
        "family": family,
        "label": text,
        "summary": kind.summary + (" Zoom into the curve to see it finer there." if family == "Slice" else ""),
        "analysis": analysis,
        "points": points,
        "start": start,
    }


def path(name: str, label: str, summary: str, **fields: Any) -> dict[str, Any]:
    """Describe one way of connecting two ends."""
    return {"value": name, "label": label, "summary": summary, "analysis": {"kind": "connectivity", **fields}}


PATHS: Final = (
    path("matched", "Straight and matched", "As they are, and with units moved to where they do the same work."),
    path("activations", "Matched by activations", "Units are moved by their values.", matching="activations"),
    path("bezier", "Trained curve", "A bend is trained to go around; also drawn on its plane.", path="bezier"),
    path("chain", "Trained chain", "Three bends are trained.", path="chain", bends=3),
    path("dropout", "Half of the units", "From each end to the same net with half of its units, read twice.",
         path="dropout", beside=[]),
    path("all", "All of them", "Straight, matched, curve and chain.",
         path="matched", beside=["linear", "bezier", "chain"]),
)  # fmt: skip
LOOKS: Final = (
    look("pca", PcaPlane, surface(PcaPlane()), title="PCA of the chosen lanes"),
    look("random", RandomPlane, surface(RandomPlane()), title="Random, scaled by filter"),
    look("layer", RandomPlane, surface(RandomPlane(normalization="layer")), title="Random, scaled by layer"),
    look("none", RandomPlane, surface(RandomPlane(normalization="none")), title="Random, not scaled"),
    look("eigen", EigenPlane, surface(EigenPlane())),
    look("gradient_eigen", GradientEigenPlane, surface(GradientEigenPlane())),
    look("three_points", ThreePointsPlane, surface(ThreePointsPlane()), points=3),
    look("coordinates", CoordinatePlane, surface(CoordinatePlane())),
    look("dimension", IntrinsicDimensionAnalysis, {"kind": "intrinsic_dimension"}, start=True),
    look(
        "dimension_loss",
        IntrinsicDimensionAnalysis,
        {"kind": "intrinsic_dimension", "score": "likelihood"},
        title="Intrinsic dimension, by loss",
        start=True,
    ),
    look("teleport", TeleportAnalysis, {"kind": "teleport"}),
    look("slice_random", RandomLine, slice_along(RandomLine())),
    look("slice_eigen", EigenLine, slice_along(EigenLine())),
    look("slice_between", BetweenLine, slice_along(BetweenLine(), -0.25, 1.25), points=2),
    look("basin", BasinAnalysis, of_rules("basin")),
    look("sweep", SweepAnalysis, of_rules("sweep")),
)


def drop() -> Node:
    """Make the button that drops a ball."""
    return tool("ball", "Drop a ball", "Start a run from a place on this surface")


def pictures() -> list[Node]:
    """Make the buttons that ask for another picture of the runs there are."""
    another = tool("look", "New picture", "Another plane, or a slice, of the same runs")
    connect = tool("path", "Connect", "Draw the loss along paths between two ends")
    return [another, connect, finer()]


def finer() -> Node:
    """Make the button that asks for the same picture with more points; ``assets/tool_finer.js`` obeys it."""
    known: dict[str, Any] = {"data-finer": ""}
    return html.Button("Finer", className="gs-tool", type="button", disabled=True, **known)


def strips() -> list[Node]:
    """Make the rows that they open."""
    return [
        strip("ball", "Drop a ball"),
        strip("look", "New picture", looks=json.dumps(LOOKS)),
        strip("path", "Connect", paths=json.dumps(PATHS)),
    ]
