"""Who can reach the server, and what follows: a token as soon as it is more than this machine."""

import dataclasses
import ipaddress
import secrets
import socket

from app.settings import LOCAL_NAMES, Settings

EVERY = {"0.0.0.0", "::", ""}


def is_loopback(host: str) -> bool:
    """Say whether an address to listen on, with or without brackets, is this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def listens_everywhere(settings: Settings) -> bool:
    """Say whether the server listens on every address of the machine."""
    return settings.host in EVERY


def exposed(settings: Settings) -> bool:
    """Say whether others can reach the server: by its address, or by a name that only a proxy can have brought here."""
    named = [host for host in settings.allowed_hosts if host not in LOCAL_NAMES]
    return not is_loopback(settings.host) or bool(named) or bool(settings.origins)


def with_token(settings: Settings) -> tuple[Settings, bool]:
    """Make a token where one is needed and none was given.

    Args:
        settings: what was asked for.

    Returns:
        The settings, and whether their token is a new one, which must be told to the person at the console.
    """
    if settings.token is not None or not exposed(settings):
        return settings, False
    return dataclasses.replace(settings, token=secrets.token_urlsafe(24)), True


def host_names(settings: Settings) -> tuple[str, ...]:
    """List the names that a Host header may carry: those that were set, and those that the server itself goes by."""
    if is_loopback(settings.host):
        return settings.allowed_hosts
    if listens_everywhere(settings):
        return (*settings.allowed_hosts, socket.gethostname().lower())
    host = settings.host.lower().strip("[]")
    return (*settings.allowed_hosts, f"[{host}]" if ":" in host else host)
