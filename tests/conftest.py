"""What holds for the whole suite."""

import os

import pytest

# Several processes of several threads each, on few cores, wait for one another: side by side, one thread each.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests in the browser come last: the browser keeps an event loop in the main thread until the session's end.

    It also lets the quick tests fail first.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
