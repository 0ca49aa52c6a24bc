"""Log lines for machines."""

import json
import logging
import sys

from app.logs import JsonLines
from backend.schemas.ids import new_run_id


def line(message: str, *arguments: object, failed: bool = False) -> dict[str, object]:
    try:
        raise ValueError("five\nlines")
    except ValueError:
        about = sys.exc_info() if failed else None
    record = logging.LogRecord("backend.jobs", logging.WARNING, "file", 1, message, arguments, about)
    record.created, record.msecs = 0.0, 7.0
    written = JsonLines().format(record)
    assert "\n" not in written
    found: dict[str, object] = json.loads(written)
    return found


def test_a_line_about_a_run_has_its_id() -> None:
    run = new_run_id()
    assert line("run %s goes on", run) == {
        "at": "1970-01-01T00:00:00.007Z", "level": "warning", "logger": "backend.jobs",
        "message": f"run {run} goes on", "run": run,
    }  # fmt: skip


def test_other_lines_have_none_and_failures_their_trace() -> None:
    assert "run" not in line("the run that warms a worker failed")
    assert "ValueError: five" in str(line("failure", failed=True)["error"])
