"""The composition root: settings in, a whole application out. The one place that chooses an engine and a store."""

import importlib.metadata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.exposure import exposed, host_names, listens_everywhere
from app.settings import EngineName, Settings, SettingsError
from backend.jobs.blobs import place_of
from backend.jobs.chore import Chore
from backend.jobs.costs.limits import Limits
from backend.jobs.custom_file import CustomFile, try_file
from backend.jobs.engine import Engine
from backend.jobs.errors import Unavailable
from backend.jobs.feed import Feed
from backend.jobs.machine import memory
from backend.jobs.retention import GIB, Housekeeper, Retention
from backend.jobs.service import Service
from backend.jobs.sqlite_store import SqliteStore
from backend.schemas.run import Run

if TYPE_CHECKING:
    from fastapi import FastAPI

DATABASE = "gradscape.sqlite"
LISTENS = 15.0  # seconds between two looks for recorded loops that have died


@dataclass(frozen=True)
class Application:
    """Everything that runs in the serving process."""

    api: "FastAPI"
    service: Service
    housekeeper: Housekeeper
    listener: Chore

    def stop_streams(self) -> None:
        """End the open streams, so that they do not hold up the server's end; safe from any thread."""
        self.service.feed.close()

    def close(self) -> None:
        """Stop the workers, close the store, let the data directory go."""
        self.housekeeper.stop()
        self.listener.stop()
        self.service.close()


def version() -> str:
    """Return the distribution's version."""
    return importlib.metadata.version("gradscape")


def make_engine(name: EngineName, workers: int | None, ray_address: str | None = None) -> Engine:
    """Make an engine; only the inline one may import torch in this process, and only once it runs something.

    Args:
        name: which one.
        workers: worker processes; None: chosen by the machine.
        ray_address: of the cluster to join.

    Returns:
        The engine; workers come up in the background.
    """
    if name == "ray":
        from backend.jobs.ray_engine import RayEngine

        return RayEngine(ray_address, workers)
    if name == "inline":
        from backend.jobs.inline import InlineEngine

        return InlineEngine()
    from backend.jobs.local import LocalEngine

    return LocalEngine(workers=workers)


def limits_of(settings: Settings) -> Limits:
    """Return what one run may take; the workers of a cluster have other memories than this machine."""
    here = 0.0 if settings.engine == "ray" else memory()
    room = here if settings.max_memory is None else settings.max_memory
    return Limits(settings.max_hours or None, room or None)


def make_service(settings: Settings, *, in_memory: bool = False) -> Service:
    """Join store and engine over the data directory.

    Args:
        settings: what was asked for.
        in_memory: runs and events in memory; the directory takes snapshots alone.

    Returns:
        The service; it has the directory to itself.

    Raises:
        Unavailable: where the directory, or the URL of the store, cannot be used, or another process uses it.
    """
    try:
        settings.data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"cannot make the data directory {settings.data}: {error.strerror}",
            hint="Choose another with --data DIR or GRADSCAPE_DATA.",
            where=str(settings.data),
        ) from error
    kept = None if settings.store_url is None else place_of(settings.store_url)
    custom = CustomFile() if settings.problems is None else try_file(settings.problems)
    store = SqliteStore(":memory:" if in_memory else settings.data / DATABASE)
    try:
        engine = make_engine(settings.engine, settings.workers, settings.ray_address)
    except Unavailable:
        store.close()
        raise
    try:
        return Service(store, engine, Feed(store), settings.data, settings.datasets, custom, limits_of(settings), kept)
    except Unavailable:
        engine.close()
        store.close()
        raise


def build(settings: Settings) -> Application:
    """Build the application: store, engine, service, API, page.

    Args:
        settings: what was asked for.

    Returns:
        The application; what a server that died left running is marked as lost.

    Raises:
        SettingsError: where others can reach the server and there is no token.
    """
    from app.page_context import PageContext  # the web is not needed, and not waited for, by headless runs
    from backend.api.app import MIB, create_api
    from backend.api.exports import File
    from frontend.app import create_page, page_policy
    from frontend.exported import as_page

    if exposed(settings) and settings.token is None:
        raise SettingsError("expected a token, because others can reach the server; set GRADSCAPE_TOKEN")

    def mount(api: "FastAPI") -> None:
        page = create_page(api, entries=service.custom.entries)
        api.add_middleware(PageContext, page=page, policy=page_policy(page))

    def page_file(shown: Sequence[tuple[Run, Iterable[str]]], choices: Mapping[str, str]) -> File:
        pieces = (piece.encode() for piece in as_page(shown, choices, version()))
        return File(pieces, "text/html; charset=utf-8", "html")

    service = make_service(settings)
    try:
        service.recover()
        api = create_api(
            service,
            version=version(),
            page=mount,
            view_exporters={"html": page_file},
            token=settings.token,
            allowed_hosts=host_names(settings),
            own_address=listens_everywhere(settings),
            origins=settings.origins,
            rate_limit=settings.rate_limit or None,
            queue_limit=settings.queue_limit or None,
            body_limit=settings.body_limit * MIB,
            import_limit=settings.import_limit * MIB,
        )
    except BaseException:  # Ctrl-C too: no worker may be left
        service.close()
        raise
    retention = Retention(settings.keep_days or None, settings.keep_size * GIB or None)
    return Application(api, service, Housekeeper(service, retention), _listener(service, settings.recording_limit))


def _listener(service: Service, limit: int) -> Chore:
    """Make what ends the recordings whose loops are not heard of any more."""
    listener = Chore("gradscape-listener", lambda: service.recordings.end_silent(limit), min(LISTENS, limit / 4))
    if limit:
        listener.start()
    return listener
