"""The one way in which times are written: UTC, ISO 8601, milliseconds."""

from datetime import UTC, datetime


def now() -> str:
    """Return the present time, as in ``2026-01-01T00:00:00.000Z``."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"
