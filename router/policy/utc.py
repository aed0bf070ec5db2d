"""The time of day, for what is counted by the day."""

from __future__ import annotations


def utc_now() -> float:
    """Return the time in seconds UTC since 1970."""
    from datetime import UTC, datetime  # nothing else of `import router` needs it

    return datetime.now(UTC).timestamp()
