"""What an operator sets for the gateway, as the table `[gateway]` of a file has it. Pure."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Final

from adapters.contract.keywords import KnownKeywords
from adapters.contract.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

SHORTEST: Final = 8
"""Characters of a key, at least: a shorter one is soon guessed."""


@dataclass(frozen=True, slots=True)
class HashedKey:
    """A key of which only the SHA-256 is kept.

    Attributes:
        digest: The SHA-256.
    """

    digest: bytes = field(repr=False)

    def matches(self, digest: bytes) -> bool:
        """Whether a key with this digest is the same one; it takes as long for every answer."""
        return hmac.compare_digest(self.digest, digest)


def digest_of(key: bytes) -> bytes:
    """Return the SHA-256 of a key."""
    return hashlib.sha256(key).digest()


def hashed(name: str, key: HashedKey | Secret | str) -> HashedKey:
    """Return a key without its value.

    Args:
        name: The setting's, for the error.
        key: The value.

    Raises:
        TypeError: It is no text.
        ValueError: It is too short, or cannot stand in a header.
    """
    if isinstance(key, HashedKey):
        return key
    value = Secret(key).reveal()
    if len(value) < SHORTEST or not value.isascii() or " " in value:
        raise ValueError(
            f"{name} must be at least {SHORTEST} ASCII characters without spaces; "
            "make one with: openssl rand -hex 24"
        )
    return HashedKey(digest_of(value.encode("ascii")))


@dataclass(frozen=True, slots=True)
class ClientKey(KnownKeywords):
    """A key that clients of the gateway show, and what it allows.

    Attributes:
        name: Names the key in the log.
        key: The key itself. It is hashed at once: the value is not kept.
        models: The names of models that it may ask for; empty for all.
        concurrency: The most requests under way at once; None for no limit.
        requests_per_minute: The most requests in any minute; None for no limit.
        tokens_per_minute: The most tokens in any minute; None for no limit. Tokens are counted when a reply
            ends, so requests under way together may exceed it.
        requests_per_day: The most requests from midnight to midnight (UTC); None for no limit.
        tokens_per_day: The most tokens a day, counted as those of a minute; None for no limit.
        cost_per_day: The most money a day, in the unit of the router's prices; None for no limit.
    """

    name: str
    key: HashedKey | Secret | str = field(repr=False)
    models: Sequence[str] = ()
    concurrency: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    requests_per_day: int | None = None
    tokens_per_day: int | None = None
    cost_per_day: float | None = None

    def __post_init__(self) -> None:
        if not self.name or not self.name.isprintable() or len(self.name) > 64:
            raise ValueError("name must be 1 to 64 printable characters; it names the key in the log")
        object.__setattr__(self, "key", hashed("key", self.key))
        object.__setattr__(self, "models", tuple(self.models))
        for each in fields(self)[3:]:
            value = getattr(self, each.name)
            if value is not None and not value > 0:
                raise ValueError(f"{each.name} is {value}; it must be more than 0, or None for no limit")

    @property
    def has_limits(self) -> bool:
        """Whether anything bounds how much may be asked with it."""
        return any(getattr(self, each.name) is not None for each in fields(self)[3:])

    def matches(self, digest: bytes) -> bool:
        """Whether a key with this digest is this one; it takes as long for every answer."""
        return isinstance(self.key, HashedKey) and self.key.matches(digest)


@dataclass(frozen=True, slots=True)
class GatewaySettings(KnownKeywords):
    """The settings of a gateway, as the table `[gateway]` of a file has them.

    Attributes:
        body: The most bytes of a request's body (16 MiB); a longer one gets 413.
        body_seconds: Seconds that a body may take to arrive; a slower one gets 408.
        head: The most bytes of a request's line and headers (32 KiB); longer ones get 431.
        head_seconds: Seconds that they may take to arrive; slower ones get 408.
        concurrency: The most requests that are answered at once, in one process.
        queue: The most requests that wait for that, in one process; further ones get 503 with Retry-After.
        queue_seconds: Seconds that a request waits at most; then it gets 503.
        comment_after: Seconds of silence after which a streamed answer gets a comment, so that proxies keep
            the connection open; None for never. The first comment sends status 200: a failure is an error
            event from then on, no HTTP error.
        drain: Seconds that running answers have to finish when the gateway is told to stop.
        keys: What clients must show, one of these; empty for no key, which only a gateway that listens on
            the loopback address may have.
        page: Whether there is a status page.
        metrics: Whether there are metrics.
        admin_key: The key of the operator: with it one may see the status page, the metrics and the health
            report, and isolate, reset and probe providers. Like those of clients, it is hashed at once.
        cors: Origins of web pages that may call the gateway, such as `https://chat.example.org`; empty for
            none.
        hosts: Names, besides those of the loopback address, that a request's Host header may have. Where it
            is empty and the gateway listens on another address, every name is taken.
    """

    body: int = 16 * 1024 * 1024
    body_seconds: float = 60.0
    head: int = 32 * 1024
    head_seconds: float = 10.0
    concurrency: int = 1000
    queue: int = 100
    queue_seconds: float = 10.0
    comment_after: float | None = None
    drain: float = 30.0
    keys: Sequence[ClientKey] = ()
    page: bool = True
    metrics: bool = True
    admin_key: HashedKey | Secret | str | None = field(default=None, repr=False)
    cors: Sequence[str] = ()
    hosts: Sequence[str] = ()

    def __post_init__(self) -> None:
        if self.body < 1:
            raise ValueError(f"body is {self.body}; it is the most bytes of a request, at least 1")
        if self.head < 1024:
            raise ValueError(f"head is {self.head}; it is the most bytes of the headers, at least 1024")
        if self.concurrency < 1:
            raise ValueError(f"concurrency is {self.concurrency}; it must be at least 1")
        if self.queue < 0:
            raise ValueError(f"queue is {self.queue}; it must be at least 0")
        for name in ("body_seconds", "head_seconds", "queue_seconds", "comment_after"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                none = ", or None" if name == "comment_after" else ""
                raise ValueError(f"{name} is {value}; it must be more than 0 seconds{none}")
        if not self.drain >= 0:
            raise ValueError(f"drain is {self.drain}; it must be at least 0 seconds")
        object.__setattr__(self, "keys", checked_keys(self.keys))
        if self.admin_key is not None:
            object.__setattr__(self, "admin_key", hashed("admin_key", self.admin_key))
        object.__setattr__(self, "cors", tuple(checked_origin(origin) for origin in self.cors))
        object.__setattr__(self, "hosts", tuple(checked_host(host) for host in self.hosts))

    def is_admin(self, digest: bytes) -> bool:
        """Whether a key with this digest is the admin key; never, where there is none."""
        return isinstance(self.admin_key, HashedKey) and self.admin_key.matches(digest)


def checked_keys(keys: Sequence[ClientKey]) -> tuple[ClientKey, ...]:
    """Return the keys.

    Raises:
        ValueError: Two have the same name, or the same value.
    """
    names: set[str] = set()
    values: dict[object, str] = {}
    for each in keys:
        if each.name in names:
            raise ValueError(f"keys: two are called {each.name!r}; give each a name of its own")
        if each.key in values:
            raise ValueError(f"keys: {values[each.key]!r} and {each.name!r} are the same key; make another")
        names.add(each.name)
        values[each.key] = each.name
    return tuple(keys)


def checked_origin(origin: str) -> str:
    """Return the origin of a web page, in lowercase.

    Raises:
        ValueError: It is none, or stands for every page.
    """
    lowered = origin.lower()
    scheme, _, host = lowered.partition("://")
    if scheme not in ("http", "https") or not host or set(host) & set("/*?#@ "):
        raise ValueError(
            "an origin is written as https://chat.example.org, without a path; "
            "there is none that stands for every page"
        )
    return lowered


def checked_host(host: str) -> str:
    """Return the name of a host, in lowercase.

    Raises:
        ValueError: It is none.
    """
    if not host or set(host) & set("/*?#@ ") or (":" in host and not host.startswith("[")):
        raise ValueError("a host is written as gateway.example.org, without scheme, port and path")
    return host.lower()
