"""Names of runs: short, sortable by time, safe in a URL and as a folder's name."""

import secrets
import time
from typing import Annotated

from pydantic import StringConstraints

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: no i, l, o, u
RunId = Annotated[str, StringConstraints(pattern=r"^[0-9a-hjkmnp-tv-z]{15}$")]


def new_run_id() -> str:
    """Make a run's id: nine characters of milliseconds since 1970, then six random ones (15 in all)."""
    milliseconds = time.time_ns() // 1_000_000
    stamp = "".join(ALPHABET[(milliseconds >> shift) & 31] for shift in range(40, -1, -5))
    return stamp + "".join(secrets.choice(ALPHABET) for _ in range(6))
