"""A real server in a process of its own, and a page in a real browser that may ask nobody else."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.browser import browser_path

ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
)  # fmt: skip
EXAMPLE = Path(__file__).parents[2] / "examples/own_problems.py"
ENDED = ("succeeded", "failed", "cancelled")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give what drives a browser on CI's busy machine one more try; the summary tells what needed it."""
    if os.environ.get("CI"):
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.flaky(reruns=1))


class Server:
    """The running application, and what a test may do with it behind the page's back."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.api = httpx.Client(base_url=f"{url}/api", timeout=30, trust_env=False)

    def start(self, **changes: Any) -> str:
        """Start a short race and return its id."""
        lane = {"name": "SGD", "optimizer": {"kind": "sgd", "lr": 0.001}}
        request = {"kind": "train", "problem": {"function": {"kind": "rosenbrock"}}, "steps": 20, "lanes": [lane]}
        answer = self.api.post("/runs", json={**request, **changes})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def run(self, run: str) -> dict[str, Any]:
        """Return a run as the API shows it."""
        found: dict[str, Any] = self.api.get(f"/runs/{run}").json()
        return found

    def wait(self, run: str, seconds: float = 60) -> dict[str, Any]:
        """Wait for a run's end."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if (found := self.run(run))["status"] in ENDED:
                return found
            time.sleep(0.05)
        raise TimeoutError(f"the run {run} has not ended: {self.run(run)}")

    def rest(self) -> list[str]:
        """End every run that has not ended; return the newest hundred."""
        runs = self.api.get("/runs?limit=100").json()["items"]
        for run in runs:
            if run["status"] not in ENDED:
                self.api.post(f"/runs/{run['id']}/control", json={"action": "cancel"})
                self.wait(run["id"])
        return [run["id"] for run in runs]

    def clear(self) -> None:
        """End and delete every run."""
        while runs := self.rest():
            for run in runs:
                self.api.delete(f"/runs/{run}")


@pytest.fixture(scope="module")
def server(serving: Server) -> Iterator[Server]:
    """Lend the server to the tests of a file, which leave no run behind that works on."""
    yield serving
    serving.rest()


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the application from an empty data directory, one worker warm."""
    yield from served(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the example's problems of one's own."""
    yield from served(tmp_path_factory.mktemp("own"), "--problems", str(EXAMPLE))


def served(data: Path, *options: str) -> Iterator[Server]:
    """Serve the application from this data directory, one worker warm, until the end."""
    command = [sys.executable, "-m", "app", "serve", "--port", "0", "--workers", "1", "--data", str(data), *options]
    log = data.parent / f"{data.name}.log"
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, cwd=Path(__file__).parents[2])
    try:
        ready = _ready(process, log)
        yield ready
        ready.api.close()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _ready(process: subprocess.Popen[bytes], log: Path) -> Server:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        told = re.search(r"http://[\d.]+:\d+", log.read_text())
        if told and httpx.get(f"{told.group()}/api/health", trust_env=False).json()["ready"]:
            return Server(told.group())
        time.sleep(0.1)
    raise RuntimeError(f"the server did not come up:\n{log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Start the browser; without one the test is skipped, but never in CI."""
    path = browser_path()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no chromium found; install it, or name it in the variable CHROMIUM")
        pytest.skip("no chromium found; install it, or name it in the variable CHROMIUM")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        yield started
        started.close()


@pytest.fixture(scope="module")
def opened(browser: Any) -> Iterator[Any]:
    """Open the panels on a source that the tests of a file feed."""
    from tests.browser.stream_page import stage

    with stage(browser) as made:
        yield made


@pytest.fixture(scope="session")
def context(browser: Any, serving: Server) -> Iterator[Any]:
    """Keep what the browser has loaded from test to test.

    Playwright waits by evaluating texts, which the page's policy forbids; ``test_safety.py`` looks at the policy.
    """
    context = browser.new_context(viewport={"width": 1280, "height": 800}, base_url=serving.url, bypass_csp=True)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield context
    context.close()


@pytest.fixture
def page(context: Any, server: Server) -> Iterator[Any]:
    """Open a page; it fails the test where it asks anybody but the server, or where a script fails."""
    page = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda fault: faults.append(str(fault)))
    page.on("console", lambda message: faults.append(message.text) if _is_fault(message) else None)
    yield page
    page.evaluate("localStorage.clear()")
    page.close()
    assert [url for url in asked if not url.startswith((f"{server.url}/", "data:", "blob:"))] == []
    assert asked
    assert faults == []


def _is_fault(message: Any) -> bool:
    """An answer of the API that is an error is told in the console too; that is no fault of a script."""
    return message.type == "error" and "Failed to load resource" not in message.text
