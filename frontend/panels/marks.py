"""Marks that panels share: a lane's line, where it is now, and the values that are not certain."""

from typing import Final

from pydantic import JsonValue

from backend.schemas.panels import Binding, Channel, Column, Source
from frontend.panels import sources
from frontend.panels.axes import STEP

LINE: Final = {"line.color": "color", "line.dash": "dash"}  # in the lane's style
MARK: Final = {"marker.color": "color", "marker.symbol": "symbol"}
HOLLOW: Final = {"marker.color": "paper", "marker.line.color": "color", "marker.symbol": "symbol"}
DASHED: Final[dict[str, JsonValue]] = {"width": 1.25, "dash": "5px,4px"}  # of what a value is compared with


def hover(text: str, said: str = "") -> str:
    """Write a lane's hover text at a step: ``text`` under its name and what is said of it."""
    return f"%{{fullData.name}}{said} · step %{{x}}<br>{text}<extra></extra>"


def line(source: Source, graph: str, y: Channel, text: str, *, dots: int = 0) -> Binding:
    """Draw a lane's values by step; ``dots`` is the size of a mark at each."""
    trace: dict[str, JsonValue] = {
        "type": "scatter",
        "mode": "lines",
        "line": {"width": 2},
        "hovertemplate": hover(text),
    }
    if dots:
        trace |= {"mode": "lines+markers", "marker": {"size": dots}}
    return Binding(source=source, graph=graph, trace=trace, x=STEP, y=y, paint=LINE | (MARK if dots else {}))


def now(source: Source, graph: str, y: Channel, text: str, size: int = 8) -> Binding:
    """Mark the value at the moment that the page shows."""
    trace: dict[str, JsonValue] = {
        "type": "scatter",
        "mode": "markers",
        "marker": {"size": size},
        "cliponaxis": False,
        "hovertemplate": hover(text),
    }
    return Binding(source=source, graph=graph, rows="last", trace=trace, x=STEP, y=y, paint=MARK)


def uncertain(source: Source, graph: str, y: Channel, text: str, error: Channel | None = None) -> Binding:
    """Draw hollow marks where a search ended before it converged, with error bars where the error is known."""
    trace: dict[str, JsonValue] = {
        "type": "scatter",
        "mode": "markers",
        "marker": {"size": 8, "line": {"width": 1.5}},
        "cliponaxis": False,
        "hovertemplate": hover(text, ", not converged"),
    }
    bars = {}
    if error is not None:
        trace["error_y"] = {"thickness": 1, "width": 2}
        bars = {"error_y.color": "color"}
    return Binding(source=source, graph=graph, trace=trace, x=STEP, y=y, error=error, paint=HOLLOW | bars)


def diverged(graph: str, x: Channel, y: Channel) -> Binding:
    """Mark where a lane diverged with a cross, and say so; ``y`` is looked up, as the end itself has no value."""
    trace: dict[str, JsonValue] = {
        "type": "scatter",
        "mode": "markers+text",
        "marker": {"symbol": "x", "size": 10, "line": {"width": 1}},
        "cliponaxis": False,
        "hovertemplate": "%{text}<extra></extra>",
    }
    return Binding(
        source=sources.DIVERGED,
        graph=graph,
        trace=trace,
        x=x,
        y=y,
        z=Column(field="loss", kind="train_chunk"),
        label="{lane.title} diverged<br>at step {step}: loss {z}",
        paint={"marker.color": "color", "marker.line.color": "paper"},
    )
