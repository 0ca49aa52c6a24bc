"""The analyses that run along: switches, the plane that they share, and their settings on demand."""

from typing import Any

import dash_mantine_components as dmc
from dash import html

from backend.schemas.analysis import PROBE_KINDS, RACE_PLANES, KeptPlane, SurfaceAnalysis
from backend.schemas.run import Probe
from frontend import ids
from frontend.components.draft import SHARED, Draft, on_plane
from frontend.components.node import Node, aria
from frontend.components.section import details
from frontend.components.spec_fields import fields_of, kind_of
from frontend.components.spec_form import spec_form, union_parts
from frontend.panels.registry import PANELS

PROBES: tuple[Any, ...] = PROBE_KINDS
OFFERED = tuple(kind_of(kind) for kind in RACE_PLANES if kind is not KeptPlane)  # a kept plane is chosen in its picture


# A switch that shows nothing would be of no use here: what no panel draws is asked for over HTTP or the command line.
_ASKED = [view.panel.asked for view in PANELS if view.panel.asked]
DRAWN = {"surface", "trajectory"}.union(*([asked] if isinstance(asked, str) else asked for asked in _ASKED))


def probe_form(draft: Draft) -> list[Node]:
    """Make the form of a draft's analyses."""
    probes = draft.request["probes"]
    plane = next(field for field in fields_of(SurfaceAnalysis) if field.name == "plane")
    first = probes[0]["analysis"]
    choice = union_parts(plane, first["plane"], "probes.0.analysis.plane", offered=OFFERED)
    parts: list[Node] = [html.Div(choice, className="fields")]
    for place, spec in enumerate(PROBES):
        kind, path = kind_of(spec), f"probes.{place}"
        if kind not in DRAWN:
            continue
        probe = probes[place]
        elsewhere = ("plane", "paths") if place == 0 else SHARED if on_plane(probe) else ()
        own = spec_form(spec, probe["analysis"], f"{path}.analysis", leave_out=elsewhere)
        parts.append(
            html.Div(
                [
                    dmc.Switch(
                        id=ids.flag(f"on.{kind}"),
                        label=spec.title,
                        checked=kind in draft.on,
                        **aria(description=spec.summary),
                    ),
                    details(
                        "Settings",
                        spec_form(Probe, probe, path, leave_out=("analysis",)),
                        html.Div(own, className="after"),
                    ),
                ],
                className="probe",
            )
        )
    return [html.Div(parts, className="stack")]
