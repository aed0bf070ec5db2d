"""What to say where an observer's library is not installed."""

from __future__ import annotations


def missing(observer: str, library: str, extra: str) -> ImportError:
    """Return the error that says what to install."""
    return ImportError(
        f"{observer} needs the package {library}, which is not installed; "
        f"install it with: pip install '.[{extra}]' in chat-router's folder"
    )
