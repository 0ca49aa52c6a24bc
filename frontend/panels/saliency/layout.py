"""How the saliency is laid out."""

import json
from typing import Any, Final

from dash import html

from backend.schemas.analysis import SaliencyAnalysis
from backend.schemas.analysis.saliency import METHOD_TITLES, SETTINGS
from backend.schemas.problem.data import DATA_KINDS
from frontend.components.node import Node
from frontend.panels import base
from frontend.panels.saliency.figure import GRAPH, panel
from frontend.panels.tools import strip, tool

CLASSES: Final = {kind.model_fields["kind"].default: kind.classes for kind in DATA_KINDS}


def asked() -> dict[str, Any]:
    """Say what can be asked for: methods by name, each data set's classes, and the bounds of n and σ."""
    bounds = SaliencyAnalysis.model_json_schema()["properties"]
    return {
        "methods": list(METHOD_TITLES.items()),
        "classes": CLASSES,
        "usual": SaliencyAnalysis.model_validate_json(json.dumps(panel().look)).model_dump(mode="json"),
        "most": bounds["samples"]["maximum"],
    }


def layout() -> Node:
    """Make the panel's components."""
    doubt = html.Button(
        "Can I believe this?",
        className="gs-tool",
        type="button",
        title="Ask these maps the questions of Trust: the same methods, examples and moment",
        disabled=True,
        **base.data(trust=" ".join(SETTINGS)),
    )
    tools = [tool("saliency", "Explain", "Choose methods, class, samples and noise"), doubt]
    strips = [strip("saliency", "Explain", asked=json.dumps(asked()))]
    grid = base.graph(GRAPH, "Examples, and below them the maps of each method")
    return base.frame(panel(), [grid], tools, strips)
