"""The time of day, for what is counted by the day."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> float:
    """Return the time in seconds UTC since 1970."""
    return datetime.now(UTC).timestamp()
