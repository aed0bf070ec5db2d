"""A cookie as a browser keeps it, and whether it is sent to an address (RFC 6265, section 5.4). Pure."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

    from adapters.contract.secret import Secret


@dataclass(frozen=True, slots=True)
class StoredCookie:
    """A cookie as a browser keeps it.

    Attributes:
        name: Its name.
        value: Its value; None where it is empty, which sends nothing.
        domain: Its host, or its domain with or without a dot in front.
        host_only: Whether it belongs to this host alone, not to those below.
        path: Below which it is sent.
        secure: Whether it is sent over https only.
        expires: Seconds since 1970; None: with the browser's session.
    """

    name: str
    value: Secret | None
    domain: str
    host_only: bool
    path: str = "/"
    secure: bool = False
    expires: float | None = None

    def is_of(self, host: str) -> bool:
        """Whether it belongs to a host: it is that host's own, or that of a domain above."""
        own = self.domain.lower().lstrip(".")
        host = host.lower()
        return host == own or (not self.host_only and host.endswith(f".{own}") and not _is_address(host))

    def why_not(self, url: httpx.URL, path: str, now: float) -> str | None:
        """Return why a browser would not send it to a path of its host, or None where it would."""
        if self.expires is not None and self.expires <= now:
            return f"{self.name} expired on {dated(self.expires)}"
        if self.secure and url.scheme != "https" and not _is_local(url.host):
            return f"{self.name} is for https only, and base_url is http"
        if not _is_below(path, self.path):
            return f"{self.name} is for {self.path} only"
        if self.value is None:
            return f"{self.name} is empty"
        return None


def dated(seconds: float) -> str:
    """Return the day of a time, as a user reads it."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return "a day that no calendar has"


def _is_below(path: str, above: str) -> bool:
    return above in ("", "/") or path == above or path.startswith(above.rstrip("/") + "/")


def _is_local(host: str) -> bool:
    # Browsers take this machine for safe (W3C, Secure Contexts).
    return host in ("localhost", "127.0.0.1", "::1")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
