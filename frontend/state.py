"""The view: which runs are shown, in which order, and what their panels show. It lives in the page's address.

A link shows the same thing to whoever opens it: ``/?runs=a,b&landscape.mode=3d``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl, quote, urlencode

RUNS = "runs"
MOMENT = "time.step"  # among the choices: the step that all panels show; without it they follow the newest
MOST_RUNS = 8
RUN_ID = re.compile(r"[0-9a-hjkmnp-tv-z]{15}")  # backend.schemas.ids.RunId
CHOICE = re.compile(r"[a-z][a-z0-9_-]*\.[a-z][a-z0-9_-]*")


@dataclass(frozen=True)
class View:
    """An ordered list of runs, and the panels' choices by ``panel.control``; choices not made are left out."""

    runs: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()

    @classmethod
    def make(cls, runs: Any, choices: Mapping[str, Any]) -> Self:
        """Keep what makes sense: known forms of ids and choices, each once, in a fixed order."""
        ids = [run for run in runs if isinstance(run, str) and RUN_ID.fullmatch(run)]
        kept = {key: str(value) for key, value in choices.items() if CHOICE.fullmatch(key) and value is not None}
        return cls(tuple(dict.fromkeys(ids))[:MOST_RUNS], tuple(sorted(kept.items())))

    @classmethod
    def from_query(cls, query: str | None) -> Self:
        """Read the view from an address's query, with or without its question mark."""
        pairs = dict(parse_qsl((query or "").removeprefix("?"), keep_blank_values=True))
        return cls.make(pairs.pop(RUNS, "").split(","), pairs)

    @classmethod
    def from_store(cls, data: Any) -> Self:
        """Read the view from the page's store."""
        data = data if isinstance(data, dict) else {}
        return cls.make(data.get("runs") or (), data.get("choices") or {})

    def query(self) -> str:
        """Write the view as an address's query, with its question mark, or nothing for an empty view."""
        pairs = ([(RUNS, ",".join(self.runs))] if self.runs else []) + list(self.choices)
        return "?" + urlencode(pairs, safe=",", quote_via=quote) if pairs else ""

    def choices_dict(self) -> dict[str, str]:
        """Return the panels' choices by their keys."""
        return dict(self.choices)

    def store(self) -> dict[str, Any]:
        """Write the view for the page's store."""
        return {"runs": list(self.runs), "choices": dict(self.choices)}
