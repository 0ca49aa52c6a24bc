"""Lets several applications live in one process.

Dash looks for "the" application (the last one made) when a server starts, and would hang the page's catch-all route on
the wrong one. Here each server's own page is what it finds.
"""

from dash import Dash
from dash._get_app import app_context
from starlette.types import ASGIApp, Receive, Scope, Send


class PageContext:
    """Answers Dash's question for its application with the one of this server."""

    def __init__(self, app: ASGIApp, page: Dash) -> None:
        self.app = app
        self.page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with this server's page as the current one."""
        app_context.set(self.page)
        await self.app(scope, receive, send)
