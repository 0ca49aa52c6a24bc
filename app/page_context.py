"""Lets several applications live in one process, and tells the browser what the page may load.

Dash looks for "the" application (the last one made) when a server starts, and would hang the page's catch-all route on
the wrong one. Here each server's own page is what it finds.
"""

from dash import Dash
from dash._get_app import app_context
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.api.headers import SecureHeaders


class PageContext:
    """Answers Dash's question for its application with the one of this server.

    Args:
        app: what answers.
        page: the Dash application of this server.
        policy: the page's Content-Security-Policy; the API's answers have one of their own.
    """

    def __init__(self, app: ASGIApp, page: Dash, policy: str) -> None:
        self.app = SecureHeaders(app, {"content-security-policy": policy})
        self.bare = app
        self.page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with this server's page as the current one."""
        app_context.set(self.page)
        of_api = scope.get("path", "").startswith("/api/")
        await (self.bare if of_api else self.app)(scope, receive, send)
