"""``gradscape serve``: the page and the API from one process."""

import asyncio
import signal
import socket

import uvicorn

from app.exposure import with_token
from app.logs import hide, set_up
from app.settings import Settings
from app.wiring import Application, build

GRACE = 5  # seconds that open requests get after a stop
TICK = 0.05  # seconds between two looks at whether the server was told to stop


class PortTaken(Exception):
    """The address cannot be listened on; the sentence says why and what to do."""


def listen(host: str, port: int) -> socket.socket:
    """Open the socket, before anything slow is done.

    Args:
        host: address to listen on.
        port: TCP port; 0 takes a free one.

    Returns:
        The socket, bound and listening.

    Raises:
        PortTaken: where the address is in use or not ours.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.create_server((host, port), family=family, backlog=2048)
        # asyncio sends at once only where a socket says that it is TCP's: else the body of an answer waits some 40 ms
        # until the browser has acknowledged its head.
        return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=bound.detach())
    except OSError as error:
        reason = error.strerror or error
        raise PortTaken(f"cannot listen on {host}:{port}: {reason}. Choose another with --port, or 0.") from error


def address(bound: socket.socket) -> str:
    """Return the URL to open."""
    host, port = bound.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{shown}:{port}"


class _Stopped(BaseException):
    """The system asked the process to end."""


def _stop(*_: object) -> None:
    raise _Stopped


async def _serve(server: uvicorn.Server, application: Application, bound: socket.socket) -> None:
    serving = asyncio.ensure_future(server.serve(sockets=[bound]))
    while not serving.done() and not server.should_exit:
        await asyncio.wait({serving}, timeout=TICK)
    application.stop_streams()  # uvicorn waits for open responses, and a stream has no end of its own
    await serving


def serve(settings: Settings) -> int:
    """Serve until interrupted.

    Args:
        settings: what was asked for.

    Returns:
        The exit code: 0 after an orderly stop.

    Raises:
        PortTaken: where the address cannot be listened on.
    """
    with listen(settings.host, settings.port) as bound:
        set_up(settings.log_level, settings.log_form)
        # uvicorn raises the signal again once it has stopped, and the workers are still to be ended
        before = signal.signal(signal.SIGTERM, _stop)
        try:
            _build_and_serve(settings, bound)
        except (KeyboardInterrupt, _Stopped):
            return 0
        finally:
            signal.signal(signal.SIGTERM, before)
    return 0


def _build_and_serve(settings: Settings, bound: socket.socket) -> None:
    settings, made = with_token(settings)
    application = build(settings)
    try:
        print(f"Gradscape at {address(bound)}   data in {settings.data}   Ctrl-C stops", flush=True)
        if made:
            print(f"Others can reach it: open {address(bound)}/sign-in#{settings.token} to sign in", flush=True)
        config = uvicorn.Config(
            application.api,
            log_config=None if settings.log_form == "json" else uvicorn.config.LOGGING_CONFIG,
            log_level=settings.log_level if settings.log_level == "debug" else "warning",
            access_log=settings.log_level == "debug",
            timeout_graceful_shutdown=GRACE,
            timeout_keep_alive=30,
            server_header=False,
        )
        if settings.token is not None:
            hide(settings.token)
        asyncio.run(_serve(uvicorn.Server(config), application, bound))
    finally:
        application.close()
