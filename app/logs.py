"""Log lines: for people, or one JSON object a line for machines, with the run's id where a line is about one."""

import json
import logging
import re
import time
from typing import Any, Final

PLAIN: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
WRITERS: Final = ("", "uvicorn", "uvicorn.access")  # loggers that have handlers of their own
HIDDEN: Final = "[token]"
ABOUT: Final = re.compile(r"\brun ([0-9a-z]{15})\b")


class JsonLines(logging.Formatter):
    """One JSON object a line: ``at``, ``level``, ``logger``, ``message``, ``run``, ``error``."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        message = record.getMessage()
        found: dict[str, Any] = {
            "at": f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": message,
        }
        about = ABOUT.search(message)
        if about is not None:
            found["run"] = about[1]
        if record.exc_info is not None:
            found["error"] = self.formatException(record.exc_info)
        return json.dumps(found, ensure_ascii=False)


def set_up(level: str, form: str) -> None:
    """Set up the root logger.

    Args:
        level: the least grave messages.
        form: ``text`` or ``json``.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(PLAIN))
    logging.basicConfig(level=level.upper(), handlers=[handler])
    logging.getLogger("httpx").setLevel(logging.WARNING)  # one line for each call of the page is too many


class Discreet(logging.Formatter):
    """Writes as another formatter does, with a secret left out, however an address or a JSON line spells it.

    Args:
        writer: the other one; None writes plain messages.
        secret: what no line may hold.
    """

    def __init__(self, writer: logging.Formatter | None, secret: str) -> None:
        super().__init__()
        self._writer = writer or logging.Formatter()
        self._spelled = re.compile("".join(_spellings(letter) for letter in secret))

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        return self._spelled.sub(HIDDEN, self._writer.format(record))


def hide(secret: str) -> None:
    """Leave a secret out of whatever is logged from now on, by uvicorn's own handlers, too.

    Whoever writes it into an address would else find it in the log of requests.

    Args:
        secret: the server's token.
    """
    for name in WRITERS:
        for handler in logging.getLogger(name).handlers:
            handler.setFormatter(Discreet(handler.formatter, secret))


def _spellings(letter: str) -> str:
    """Write a pattern for a letter as it is, in an address (%2B), and in a JSON string (after a backslash)."""
    percent = "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "surrogatepass"))
    escaped = re.escape(json.dumps(letter, ensure_ascii=False)[1:-1])
    return f"(?:(?i:{percent})|{escaped}|{re.escape(letter)})"
