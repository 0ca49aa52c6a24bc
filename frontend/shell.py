"""The frame about every page: brand, navigation, theme, link, keys; and the view, kept in the address."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import dash
import dash_mantine_components as dmc
from dash import ALL, ClientsideFunction, Input, Output, State, dcc, html, no_update

from frontend import ids
from frontend.components.node import Node, aria, icon
from frontend.state import View
from frontend.theme import mantine_theme

COMPARE = "/compare"
VIEWS = ("/", COMPARE)  # pages that show a view, which their address keeps
KEYS = (
    ("Space", "Pause or resume the runs in view"),
    ("→", "Take one step, then stay paused"),
    ("?", "Open or close this list"),
    ("Tab", "Go to the next control"),
    ("Esc", "Close what is open"),
)


class MakesLayout(Protocol):
    """Makes a page's content, anew for each visit."""

    def __call__(self) -> Node:
        """Make it."""
        ...


@dataclass(frozen=True)
class Page:
    """A page: its address, its name in the navigation, what it shows, and what it shows at addresses below its own."""

    path: str
    name: str
    layout: MakesLayout
    inside: Callable[[str], Node | None] | None = None

    def at(self, path: str) -> Node | None:
        """Make what this page shows at an address, None where it has nothing there."""
        if path == self.path:
            return self.layout()
        below = path.removeprefix(f"{self.path.rstrip('/')}/")
        return self.inside(below) if self.inside is not None and below != path else None


def shell(pages: Sequence[Page]) -> Node:
    """Make the frame; the page's content is put in by the address."""
    return dmc.MantineProvider(
        [
            dcc.Location(id=ids.LOCATION, refresh="callback-nav"),
            dcc.Store(id=ids.VIEW, data=View().store()),
            dcc.Store(id=ids.LAST_LAB, storage_type="session"),
            dcc.Store(id=ids.LAST_COMPARE, storage_type="session"),
            html.A("Skip to the content", href=f"#{ids.PAGE}", className="skip"),
            _header(pages),
            html.Main(id=ids.PAGE, tabIndex="-1"),
            _keys(),
        ],
        id=ids.PROVIDER,
        theme=mantine_theme(),
        defaultColorScheme="auto",
    )


def _header(pages: Sequence[Page]) -> Node:
    links = [html.A(page.name, href=page.path, id=ids.nav_link(page.path), className="nav-link") for page in pages]
    tools = [
        html.Span("", id=ids.COPIED, role="status", className="dim small"),
        dmc.Tooltip(
            dmc.ActionIcon(icon("link"), id=ids.COPY_LINK, variant="subtle", color="gray", **aria(label="Copy a link")),
            label="Copy a link to this view",
        ),
        dmc.Tooltip(
            dmc.ActionIcon(icon("keys"), id=ids.KEYS_BUTTON, variant="subtle", color="gray", **aria(label="Keys")),
            label="Keys (?)",
        ),
        dmc.ColorSchemeToggle(
            id=ids.THEME_SWITCH,
            lightIcon=icon("sun"),
            darkIcon=icon("moon"),
            variant="subtle",
            color="gray",
            size="md",
            **aria(label="Light or dark"),
        ),
    ]
    return html.Header(
        [
            html.A(
                [html.Span(className="brand-mark", **aria(hidden="true")), "Gradscape"], href="/", className="brand"
            ),
            html.Nav(links, **aria(label="Pages")),
            html.Div(tools, className="tools"),
        ],
        className="header",
    )


def _keys() -> Node:
    rows = [html.Tr([html.Td(dmc.Kbd(key)), html.Td(what)]) for key, what in KEYS]
    return dmc.Modal(
        html.Table(html.Tbody(rows), className="keys"), id=ids.KEYS_DIALOG, title="Keys", opened=False, size="md"
    )


def register(app: Any, pages: Sequence[Page]) -> None:
    """Connect the frame: pages by address, the view with the address's query, link, keys.

    Args:
        app: the page.
        pages: all pages.
    """
    here = "gradscape"

    @app.callback(Output(ids.PAGE, "children"), Input(ids.LOCATION, "pathname"))  # type: ignore[untyped-decorator]
    async def show(path: str | None) -> Any:
        found = (page.at(path or "/") for page in pages)
        return next((shown for shown in found if shown is not None), None) or _nothing_here()

    @app.callback(  # type: ignore[untyped-decorator]
        Output(ids.VIEW, "data"),
        Output(ids.LOCATION, "search"),
        Input(ids.LOCATION, "search"),
        Input(ids.VIEW, "data"),
        State(ids.LOCATION, "pathname"),
    )
    async def keep(query: str | None, stored: Any, path: str | None) -> tuple[Any, Any]:
        """The address tells the view at first and when it is gone back to; afterwards the view tells the address."""
        if path not in VIEWS:
            return no_update, no_update
        told, shown = View.from_query(query), View.from_store(stored)
        if told == shown:
            return no_update, no_update
        # Where both have changed, the address is an answer of ours that came late.
        changed = {trigger["prop_id"].partition(".")[0] for trigger in dash.ctx.triggered}
        from_address = changed == {ids.LOCATION} or shown == View()
        return (told.store(), no_update) if from_address else (no_update, shown.query())

    app.clientside_callback(
        ClientsideFunction(here, "markPage"),
        Output(ids.nav_link(ALL), "aria-current"),
        Input(ids.LOCATION, "pathname"),
        State(ids.nav_link(ALL), "id"),
    )
    app.clientside_callback(ClientsideFunction(here, "applyView"), Input(ids.VIEW, "data"), Input(ids.PAGE, "children"))
    app.clientside_callback(
        ClientsideFunction(here, "remember"),
        Output(ids.LAST_LAB, "data"),
        Output(ids.LAST_COMPARE, "data"),
        Input(ids.LOCATION, "search"),
    )
    app.clientside_callback(
        ClientsideFunction(here, "viewHrefs"),
        Output(ids.nav_link("/"), "href"),
        Output(ids.nav_link(COMPARE), "href"),
        Input(ids.LAST_LAB, "data"),
        Input(ids.LAST_COMPARE, "data"),
    )
    app.clientside_callback(
        ClientsideFunction(here, "copyLink"),
        Output(ids.COPIED, "children"),
        Input(ids.COPY_LINK, "n_clicks"),
        prevent_initial_call=True,
    )
    app.clientside_callback(
        ClientsideFunction(here, "openKeys"),
        Output(ids.KEYS_DIALOG, "opened"),
        Input(ids.KEYS_BUTTON, "n_clicks"),
        State(ids.KEYS_DIALOG, "opened"),
        prevent_initial_call=True,
    )


def _nothing_here() -> Node:
    return html.Div(
        [html.H1("There is no page here"), html.A("Go to the Lab", href="/")], className="empty", role="status"
    )
