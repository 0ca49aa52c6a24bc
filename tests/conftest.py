"""What holds for the whole suite."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests in the browser come last: the browser keeps an event loop in the main thread until the session's end.

    It also lets the quick tests fail first.
    """
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
