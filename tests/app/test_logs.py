"""Log lines for machines."""

import json
import logging
import sys
from urllib.parse import quote, unquote

import pytest

from app.logs import Discreet, JsonLines
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


@pytest.mark.parametrize("secret", ["plain-token-0123456789", 'with "quotes" and \\ and + &%', "schlüssel-zum-haus"])
@pytest.mark.parametrize("inner", [None, logging.Formatter("%(levelname)s %(message)s"), JsonLines()])
def test_no_spelling_of_a_secret_is_written(inner: logging.Formatter | None, secret: str) -> None:
    every = "".join(f"%{byte:02x}" for byte in secret.encode())
    for spelled in (secret, quote(secret), quote(secret, safe=""), every):
        try:
            raise ValueError(f"of {spelled}")
        except ValueError:
            about = sys.exc_info()
        arguments = ("GET", f"/api/runs?token={spelled}&then=1")
        record = logging.LogRecord("uvicorn.access", logging.DEBUG, "file", 1, "%s %s", arguments, about)
        written = Discreet(inner, secret).format(record)
        assert secret not in unquote(written)
        assert json.dumps(secret, ensure_ascii=False)[1:-1] not in written
        assert written.count("[token]") == 2
        assert "/api/runs?token=[token]&then=1" in written
