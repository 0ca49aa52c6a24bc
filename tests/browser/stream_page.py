"""A page with the real panels on a source that the test feeds, opened in headless Chromium."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from playwright.sync_api import Browser, Page

from backend.schemas.events import AnyEvent
from benchmarks.synthetic_stream import Source, create_app


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
        """Show these runs on a page that is loaded already, or now; choices as ``landscape__view="relief"``."""
        if self.page.url != self.url:
            self.load()
        self.show()
        self.wait_state("curves", "empty")
        self.show(*runs, **choices)

    def load(self) -> None:
        """Load the page anew."""
        self.page.goto(self.url)
        self.page.wait_for_selector("[data-panel=lanes] [data-words]:not(:empty)")

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

    def drag(self, graph: str, part: str, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Drag the mouse over a part of a graph, from one share of its size to another, a frame at a time."""
        box = self.page.locator(f"[data-graph={graph}] {part}").first.bounding_box()
        assert box is not None
        for moment in range(6):
            share = moment / 5
            x, y = (one + share * (other - one) for one, other in zip(start, end, strict=True))
            self.page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
            self.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            if moment == 0:
                self.page.mouse.down()
        self.page.mouse.up()

    def state(self, panel: str) -> str | None:
        return self.page.get_attribute(f"[data-panel={panel}]", "data-state")

    def wait_state(self, panel: str, state: str) -> None:
        self.page.wait_for_selector(f"[data-panel={panel}][data-state={state}]")

    def wait_words(self, panel: str, text: str) -> None:
        self.page.wait_for_function(
            "([panel, text]) => document.querySelector(`[data-panel=${panel}] [data-words]`).textContent === text",
            arg=[panel, text],
        )

    def words(self, panel: str) -> str:
        return self.page.inner_text(f"[data-panel={panel}] [data-words]")

    def line(self, panel: str) -> str:
        return self.page.inner_text(f"[data-panel={panel}] [data-line]")


@contextmanager
def stage(browser: Browser) -> Iterator[Stage]:
    """Serve the page on a source, and open it."""
    source = Source()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(create_app(source, []), log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(60_000)
    yield Stage(source, page, f"http://127.0.0.1:{listener.getsockname()[1]}/")
    page.close()
    source.clear()
    server.should_exit = True
    thread.join()
    listener.close()
