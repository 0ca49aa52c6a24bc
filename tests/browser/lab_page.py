"""The Lab as a person uses it: what is waited for, and where things are."""

import json
from typing import Any

STATUS = "document.querySelector('#status').textContent"
SECONDS = 1000  # playwright counts milliseconds
DRAWN = """() => [...document.querySelectorAll('[data-graph]')]
  .filter((graph) => graph.data && graph.offsetParent)
  .map((graph) => [graph.dataset.graph, graph.data.map(({name, x, y, z}) => ({name, x, y, z}))])"""


def open_lab(page: Any, query: str = "") -> None:
    """Open the Lab and wait until its controls are there."""
    page.goto(f"/{query}")
    page.wait_for_selector("#start")
    page.wait_for_function(f"{STATUS} !== ''")


def set_up(page: Any, **fields: str) -> None:
    """Fill fields of the set-up by their path in the request, dots written as two underscores."""
    for name, text in fields.items():
        field(page, name.replace("__", ".")).fill(text)


def field(page: Any, path: str) -> Any:
    """Find the control of a field of the request."""
    return page.locator(f"""input[id*='"path":"{path}"'][id*='"type":"field"']""")


def union(page: Any, path: str) -> Any:
    """Find the choice between specs at a path of the request."""
    return page.locator(f"""input[id*='"path":"{path}"'][id*='"type":"kind"']""")


def wait_status(page: Any, *texts: str, seconds: float = 30) -> None:
    """Wait until the bar says one of these."""
    page.wait_for_function(f"{json.dumps(texts)}.includes({STATUS})", timeout=seconds * SECONDS)


def step(page: Any) -> int:
    """Return the step that the bar shows."""
    return int(page.inner_text("#progress-text").split()[1].split("/")[0])


def run_id(page: Any) -> str:
    """Return the first run of the address."""
    return str(page.evaluate("new URLSearchParams(location.search).get('runs').split(',')[0]"))


def drawn(page: Any) -> Any:
    """Return what the visible graphs show."""
    return page.evaluate(DRAWN)


def settle(page: Any) -> Any:
    """Wait until nothing more is drawn, and return what is."""
    before = None
    for _ in range(60):
        page.wait_for_timeout(500)
        now = drawn(page)
        if any(traces for _, traces in now) and now == before:
            return now
        before = now
    raise AssertionError("the graphs never came to rest")
