"""A document of the documentation, as a part of the page."""

from dash import dcc, html

from frontend.components.node import Node
from frontend.documents import Document


def markdown(text: str, *, target: str | None = None) -> Node:
    """Show Markdown; nothing is fetched from elsewhere, and no HTML in it is taken."""
    return dcc.Markdown(text, className="prose", link_target=target)


def document(shown: Document, *, target: str | None = None) -> list[Node]:
    """Show a document without its title, each part under an anchor.

    Args:
        shown: the document.
        target: where its links open; None is here.

    Returns:
        Its nodes.
    """
    nodes = [markdown(shown.opening, target=target)]
    for part in shown.parts:
        head = html.H2(html.A(part.title, href=f"#{part.anchor}", className="anchor"))
        nodes.append(html.Section([head, markdown(part.text, target=target)], id=part.anchor))
    return nodes
