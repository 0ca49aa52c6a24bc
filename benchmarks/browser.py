"""The browser that benchmarks, pictures and tests drive: which one, and started how."""

import os
import shutil
from typing import Final

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")


def browser_path() -> str | None:
    """Find the browser: the one that ``CHROMIUM`` names, or one on the path."""
    return os.environ.get("CHROMIUM") or next((known for known in map(shutil.which, BROWSERS) if known), None)
