"""A view as one HTML file: panels, scripts, Plotly and the events themselves; nothing is fetched, from any address.

The file replays its event log through the same scripts that draw a live run (``assets/replay.js`` stands in for the
server), so that zoom, hover, choices and three dimensions work in it.
"""

import html as text
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import dash_mantine_components as dmc
import plotly

from backend.schemas.run import Run
from frontend.app import ASSETS, style_variables
from frontend.components.timeline import timeline
from frontend.panels.base import PanelView
from frontend.panels.registry import PANELS
from frontend.panels.stream import stream_settings

SERVED: Final = (  # scripts that need the server, or Dash
    "bar.js", "choices.js", "compare.js", "controls.js", "docs.js", "help.js", "members.js", "menu.js",
    "runs.js", "strips.js",
)  # fmt: skip
STYLES: Final = ("style.css", "panels.css", "tools.css", "tiles.css", "exported.css")
NEEDS_A_SERVER: Final = ("gs-docs", "gs-save", "gs-tools", "gs-strip", "timeline-look")  # classes of what is left out
VOID: Final = ("input", "br", "hr", "img")
NAMES: Final = {"className": "class", "tabIndex": "tabindex", "htmlFor": "for"}

Shown = tuple[Run, Iterable[str]]  # a run and its envelopes, which are JSON text


def as_page(shown: Sequence[Shown], choices: Mapping[str, str], version: str) -> Iterator[str]:
    """Write the page of some runs, piece by piece.

    Args:
        shown: the runs in the view's order.
        choices: of the panels, by ``panel.control``.
        version: the distribution's.

    Yields:
        The file's text.
    """
    runs = [run for run, _ in shown]
    title = " · ".join(run.name or run.id for run in runs)
    yield '<!DOCTYPE html>\n<html lang="en" data-mantine-color-scheme="light"><head><meta charset="utf-8">\n'
    yield '<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">\n'
    yield f"<title>{text.escape(title)} · Gradscape</title>\n<style>{style_variables()}</style>\n"
    for name in STYLES:
        yield f"<style>{_asset(name)}</style>\n"
    yield f'</head>\n<body class="exported">\n{_head(runs, title, version)}\n'
    pictures, tables = ([view for view in PANELS if view.panel.tabular is table] for table in (False, True))
    grid = f'<div class="panel-grid">{_panels(pictures)}</div>'
    yield f'<main class="panels">{grid}{_panels(tables)}</main>\n'
    yield f"{render(timeline())}\n{_requests(runs)}\n"
    yield _data("gradscape-stream", json.dumps(stream_settings()))
    view = {"runs": [run.id for run in runs], "choices": dict(choices)}
    yield _data("gradscape-view", json.dumps(view))
    yield _data("gradscape-runs", f"[{','.join(run.encode() for run in runs)}]")
    yield '<script type="application/json" id="gradscape-log">['
    first = True
    for _, envelopes in shown:
        for envelope in envelopes:
            yield ("" if first else ",\n") + _safe(envelope)
            first = False
    yield "]</script>\n"
    yield f"<script>{_plotly()}</script>\n"
    for name in scripts():
        yield f"<script>{_asset(name)}</script>\n"
    yield "</body></html>\n"


def _panels(views: Sequence[PanelView]) -> str:
    return "".join(render(view.layout()) for view in views)


def render(node: Any) -> str:
    """Write a Dash component as plain HTML; what needs a server is left out, a choice becomes a row of buttons."""
    if node is None:
        return ""
    if isinstance(node, str | int | float):
        return text.escape(str(node))
    if isinstance(node, list | tuple):
        return "".join(render(each) for each in node)
    if isinstance(node, dmc.SegmentedControl):
        return _choice(node)
    given = node.to_plotly_json()
    attributes = dict(given["props"])
    if not given["namespace"].endswith("html_components") or set(attributes.get("className", "").split()) & {
        *NEEDS_A_SERVER
    }:
        return ""
    tag, children = str(given["type"]).lower(), attributes.pop("children", None)
    inner = _safe(str(children)) if tag == "script" else render(children)
    opened = f"<{tag}{''.join(_attribute(name, value) for name, value in attributes.items())}>"
    return opened if tag in VOID else f"{opened}{inner}</{tag}>"


def _attribute(name: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    written = NAMES.get(name, name)
    if value is True:
        return f" {written}"
    plain = json.dumps(value, sort_keys=True) if isinstance(value, dict) else str(value)
    return f' {written}="{text.escape(plain)}"'


def _choice(control: Any) -> str:
    key = text.escape(control.id["key"])
    buttons = "".join(
        f'<button type="button" data-choice="{key}" data-value="{text.escape(option["value"])}" '
        f'aria-pressed="false">{text.escape(option["label"])}</button>'
        for option in control.data
    )
    label = text.escape(str(getattr(control, "aria-label", "")))
    return f'<span class="exported-choice" role="group" aria-label="{label}">{buttons}</span>'


def _head(runs: Sequence[Run], title: str, version: str) -> str:
    seeds = ", ".join(dict.fromkeys(str(run.request.get("seed", 0)) for run in runs))
    made = f"Gradscape {version} · seed {seeds} · {min(run.created for run in runs)[:10]}"
    return (
        f'<header class="exported-head"><h1>{text.escape(title)}</h1><span class="exported-made">{text.escape(made)}'
        '</span><button type="button" class="gs-do" id="exported-replay">Replay</button>'
        '<button type="button" class="gs-do" id="exported-theme">Light or dark</button></header>'
    )


def _requests(runs: Sequence[Run]) -> str:
    """Write what was asked for, exactly, so that anyone can ask again."""
    parts = []
    for run in runs:
        request = text.escape(json.dumps(run.request, indent=1, ensure_ascii=False))
        parts.append(f"<h2>{text.escape(run.name or run.id)}</h2><pre>{request}</pre>")
    return (
        f'<details class="exported-requests"><summary>What made it: the exact requests</summary>{"".join(parts)}'
        "<p>Repeat one with: gradscape run REQUEST.json</p></details>"
    )


def _data(name: str, content: str) -> str:
    return f'<script type="application/json" id="{name}">{_safe(content)}</script>\n'


def _safe(content: str) -> str:
    """Keep JSON from ending the element that it stands in."""
    return content.replace("<", "\\u003c")


def scripts() -> list[str]:
    """List the scripts of the page, in the order in which Dash loads them."""
    return sorted(path.name for path in ASSETS.glob("*.js") if not _needs_the_server(path.name))


def _needs_the_server(name: str) -> bool:
    return name in SERVED or name.startswith("tool_")


def _asset(name: str) -> str:
    return (ASSETS / name).read_text("utf-8")


def _plotly() -> str:
    """Read the Plotly that Dash serves."""
    return (Path(plotly.__file__).parent / "package_data/plotly.min.js").read_text("utf-8")
