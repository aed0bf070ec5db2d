"""The version, as the package's metadata have it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def version_line() -> str:
    """Return `chat-router` and its version."""
    try:
        return f"chat-router {version('chat-router')}"
    except PackageNotFoundError:
        return "chat-router (version unknown: the sources are used without being installed)"
