"""The page's factory: a Dash application on the server that also answers the API; nothing comes from elsewhere."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dash
import httpx

from backend.schemas.problem.custom import CustomEntry
from frontend import shell
from frontend.client import Client
from frontend.components.lane_mark import lane_mask
from frontend.pages import branch_callbacks, estimate_callbacks, lab_callbacks, pages, runs_callbacks, weights_callbacks
from frontend.panels import choices, documentation
from frontend.policy import policy
from frontend.theme import LANE_COLOURS, LANE_DASHES, PALETTE, SCHEMES

ASSETS = Path(__file__).parent / "assets"
# The colour scheme is set before the first paint, as the kit would set it later.
SCHEME = """
      (() => {
        const kept = localStorage.getItem("mantine-color-scheme-value");
        const dark = matchMedia("(prefers-color-scheme: dark)").matches;
        const scheme = kept === "light" || kept === "dark" ? kept : dark ? "dark" : "light";
        document.documentElement.setAttribute("data-mantine-color-scheme", scheme);
      })();
    """
INDEX = """<!DOCTYPE html>
<html lang="en">
  <head>
    {%metas%}
    <meta name="color-scheme" content="light dark">
    <title>{%title%}</title>
    <link rel="icon" type="image/svg+xml" href="/assets/mark.svg">
    {%css%}
    <style>STYLE</style>
    <script>SCHEME</script>
  </head>
  <body>
    {%app_entry%}
    <footer>{%config%}{%scripts%}{%renderer%}</footer>
  </body>
</html>"""


def create_page(server: Any, client: Client | None = None, entries: Sequence[CustomEntry] = ()) -> dash.Dash:
    """Mount the page on a FastAPI application, after its API routes.

    Args:
        server: the FastAPI application.
        client: the way to the API; by default the same application, called without a network in between.
        entries: the problems of the user's own that the server has.

    Returns:
        The Dash application; the server serves it.
    """
    client = client or Client(lambda: httpx.ASGITransport(app=server))
    app = dash.Dash(
        "gradscape",
        server=server,
        assets_folder=str(ASSETS),
        title="Gradscape",
        update_title="",
        serve_locally=True,
        suppress_callback_exceptions=True,
        compress=False,
        on_error=_tell,
    )
    app.backend.websocket_capability = False  # no callback uses one; Dash's page would open it all the same
    app.index_string = INDEX.replace("STYLE", style_variables()).replace("SCHEME", SCHEME)
    shown = pages(entries)
    app.layout = lambda: shell.shell(shown)
    shell.register(app, shown)
    lab_callbacks.register(app, client, entries)
    branch_callbacks.register(app, client)
    estimate_callbacks.register(app, client)
    weights_callbacks.register(app, client)
    runs_callbacks.register(app)
    choices.register(app)
    documentation.register(app)
    # Dash readies itself at the first request to "/" alone: a link to another page would come without its scripts.
    app._setup_server()  # type: ignore[no-untyped-call]
    return app


def page_policy(app: dash.Dash) -> str:
    """Return the page's Content-Security-Policy; it names the inline scripts: ours, the callbacks', the renderer's."""
    return policy((SCHEME, *app._inline_scripts, app.renderer))


def _tell(fault: Exception) -> None:
    """Write a callback's fault to the log; the page keeps what it shows."""
    logging.getLogger(__name__).error("a callback of the page failed", exc_info=fault)
    raise fault


def style_variables() -> str:
    """Write the theme's colours as the style sheet's variables, for light and dark."""
    rules = []
    for scheme in SCHEMES:
        colours = PALETTE[scheme]
        lanes = {f"lane-{index}": colour for index, colour in enumerate(LANE_COLOURS[scheme])}
        body = "".join(f"--{name}:{colour};" for name, colour in {**colours, **lanes}.items())
        rules.append(f':root[data-mantine-color-scheme="{scheme}"]{{{body}}}')
    for index in range(len(LANE_DASHES)):
        rules.append(f".lane-{index}{{background:var(--lane-{index});mask-image:{lane_mask(index)};}}")
    return "".join(rules)
