"""What each panel's question mark opens: the panel's own pages of the documentation, beside the picture."""

from collections.abc import Sequence
from typing import Any

import dash
import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Input, Output, html
from dash.exceptions import PreventUpdate

from frontend import documents, ids
from frontend.components.document import document
from frontend.components.node import Node
from frontend.panels.base import PanelView
from frontend.panels.registry import PANELS


def drawer() -> Node:
    """Make the drawer, closed."""
    return dmc.Drawer(
        id=ids.DOCS_DRAWER,
        opened=False,
        position="right",
        size=520,  # as docs.js has it
        withOverlay=False,
        lockScroll=False,
        closeButtonProps={"aria-label": "Close"},
        className="docs-drawer",
    )


def pages_of(view: PanelView) -> list[Node]:
    """Show a panel's documents, one under the other."""
    shown = [found for name in view.panel.docs if (found := documents.read(name))]
    return [html.Article([*_title(one, view), *document(one, target="_blank")]) for one in shown]


def _title(one: documents.Document, view: PanelView) -> list[Node]:
    """Make a document's title, where the panel does not say it already."""
    return [] if one.title == view.panel.title else [html.H2(one.title)]


def register(app: Any, panels: Sequence[PanelView] = PANELS) -> None:
    """Connect the question marks with the drawer.

    Args:
        app: the page.
        panels: all panels.
    """
    by_name = {view.panel.name: view for view in panels}
    app.clientside_callback(
        ClientsideFunction("gradscape_docs", "side"),
        Output(ids.DOCS_DRAWER, "position"),
        Input(ids.panel_docs(ALL), "n_clicks"),
        prevent_initial_call=True,
    )

    @app.callback(  # type: ignore[untyped-decorator]
        Output(ids.DOCS_DRAWER, "opened"),
        Output(ids.DOCS_DRAWER, "title"),
        Output(ids.DOCS_DRAWER, "children"),
        Input(ids.panel_docs(ALL), "n_clicks"),
        prevent_initial_call=True,
    )
    async def show(_clicks: Any) -> tuple[bool, str, list[Node]]:
        by = dash.ctx.triggered_id
        if not isinstance(by, dict) or not any(trigger["value"] for trigger in dash.ctx.triggered):
            raise PreventUpdate  # the panels came to the page
        view = by_name[by["panel"]]
        return True, view.panel.title, pages_of(view)
