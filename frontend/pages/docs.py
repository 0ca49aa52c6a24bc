"""The documentation as pages: contents on the left, one document on the right."""

from dash import html

from frontend import documents, ids
from frontend.components.document import document
from frontend.components.node import Node, aria


def layout() -> Node:
    """Make the opening page."""
    return _page(documents.HOME)


def inside(name: str) -> Node | None:
    """Make the page of a document, None where there is none of this name."""
    return _page(name) if documents.read(name) else None


def _page(name: str) -> Node:
    shown = documents.read(name)
    if shown is None:
        raise LookupError(f"expected a document of {documents.names()}, got {name!r}")
    body = html.Article([html.H1(shown.title), *document(shown)], className="docs-page", id=ids.DOCUMENT)
    return html.Div([_contents(name), body], className="docs")


def _contents(here: str) -> Node:
    groups: list[Node] = []
    for group in documents.contents():
        links = [html.Li(_link(name, title, here)) for name, title in group.entries]
        groups += [html.H2(group.title), html.Ul(links)] if group.title else [html.Ul(links)]
    return html.Nav(groups, className="docs-contents", **aria(label="Documentation"))


def _link(name: str, title: str, here: str) -> Node:
    current = aria(current="page") if name == here else {}
    return html.A(title.replace("`", ""), href=documents.address_of(name), **current)
