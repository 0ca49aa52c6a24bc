"""A page with the real panels on a source that the test feeds, opened in headless Chromium."""

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from playwright.sync_api import BrowserContext, Page, sync_playwright

from backend.schemas.events import AnyEvent
from benchmarks.synthetic_stream import Source, create_app

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip


@contextmanager
def theatre() -> Iterator[tuple[Source, BrowserContext, str]]:
    """Serve the page, and start the browser of this machine; both are used again by each test of a module."""
    path = next((found for found in map(shutil.which, NAMES) if found), None)
    source = Source()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(source, []), log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        yield source, context, f"http://127.0.0.1:{listener.getsockname()[1]}/"
        browser.close()
    source.clear()
    server.should_exit = True
    thread.join()
    listener.close()


class Stage:
    """A source, the page on it, and what a test looks at."""

    def __init__(self, source: Source, page: Page, url: str) -> None:
        self.source, self.page, self.url = source, page, url
        self.requests: list[str] = []
        self.complaints: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: message.type == "error" and self.complaints.append(message.text))

    def open(self, *runs: str, **choices: str) -> None:
        """Open the page and show these runs; choices as ``landscape__view="relief"``."""
        self.page.goto(self.url)
        self.page.wait_for_selector("[data-panel=lanes] [data-words]")
        self.show(*runs, **choices)

    def show(self, *runs: str, **choices: str) -> None:
        chosen = {name.replace("__", "."): value for name, value in choices.items()}
        self.page.evaluate("view => window.gradscape.setView(view)", {"runs": list(runs), "choices": chosen})

    def emit(self, run: str, *events: AnyEvent) -> None:
        self.source.emit(run, *events)

    def painted(self, graph: str) -> None:
        """Wait until all that was emitted is on the screen."""
        self.page.wait_for_function(
            "([graph, row]) => Number(document.querySelector(`[data-graph=${graph}]`).dataset.row) >= row",
            arg=[graph, len(self.source.rows)],
        )

    def traces(self, graph: str) -> list[dict[str, Any]]:
        """Read what Plotly draws, arrays as lists, NaN as None."""
        return self.page.evaluate(
            """graph => JSON.parse(JSON.stringify(document.querySelector(`[data-graph=${graph}]`).data,
                 (_, value) => ArrayBuffer.isView(value) ? Array.from(value) : value))""",
            graph,
        )

    def named(self, graph: str, name: str, mode: str) -> dict[str, Any]:
        """Read the one trace of this name and mode that is not a halo."""
        found = [
            trace for trace in self.traces(graph)
            if trace.get("name") == name and trace.get("mode") == mode and trace.get("hoverinfo") != "skip"
        ]  # fmt: skip
        return found[0]

    def layout(self, graph: str, place: str) -> Any:
        """Read a dotted place of the layout that Plotly has worked out."""
        return self.page.evaluate(
            """([graph, place]) => place.split(".").reduce(
                 (object, name) => object[name], document.querySelector(`[data-graph=${graph}]`)._fullLayout)""",
            [graph, place],
        )

    def state(self, panel: str) -> str | None:
        return self.page.get_attribute(f"[data-panel={panel}]", "data-state")

    def wait_state(self, panel: str, state: str) -> None:
        self.page.wait_for_selector(f"[data-panel={panel}][data-state={state}]")

    def words(self, panel: str) -> str:
        return self.page.inner_text(f"[data-panel={panel}] [data-words]")

    def line(self, panel: str) -> str:
        return self.page.inner_text(f"[data-panel={panel}] [data-line]")


@contextmanager
def stage(source: Source, context: BrowserContext, url: str) -> Iterator[Stage]:
    """Open a fresh page on an empty source."""
    source.clear()
    page = context.new_page()
    page.set_default_timeout(20_000)
    yield Stage(source, page, url)
    page.close()
