"""Who reads a message, and what they can do: whoever writes Python, or runs a command, or asks a gateway.

A message says to everybody alike what happened. What to do next depends on its reader: the command and the
gateway have readers of their own, so that nobody is told to write code who has none. Standard library only.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Reader:
    """What can be done by somebody who writes Python."""

    def key(self, setting: str, provider: str) -> str:
        """Return how to give a provider its key.

        Args:
            setting: The parameter that takes it.
            provider: The provider's name.
        """
        return f"pass {setting}"

    def cookie(self, name: str) -> str:
        """Return how to give a cookie.

        Args:
            name: The cookie's.
        """
        return f"pass cookies={{{name!r}: …}}"

    def trust_env(self) -> str:
        """Return how to let a provider use the proxies that the environment names."""
        return "pass trust_env=True"

    def proxy_sign_in(self) -> str:
        """Return how to give a proxy its user and password."""
        return "give its user and password, as in proxy='http://user:password@host:port'"

    def models(self) -> str:
        """Return how to see the models that there are."""
        return "(await router.check()).providers lists the models of each"

    def total(self) -> str:
        """Return what sets the time for a whole request."""
        return "Timeouts.total"

    def first_content(self) -> str:
        """Return what sets the time for the first content."""
        return "Timeouts.first_content"

    def own_timeouts(self) -> str:
        """Return what sets the times for one request alone."""
        return "the request's own timeouts"

    def reset(self) -> str:
        """Return what ends a break, or an isolation by hand."""
        return "Router.reset()"

    def reset_now(self) -> str:
        """Return what ends a break before its time."""
        return f"{self.reset()}, or the gateway's reset"

    def probe(self) -> str:
        """Return what brings a provider back that does not work."""
        return "a successful probe (Router.check)"

    def failover(self, kind: str) -> str:
        """Return how to let another provider be asked after an error that ends a request.

        Args:
            kind: The error's class.
        """
        return f"pass RetryPolicy(dispositions={{{kind}: Disposition.FAILOVER}})"

    def in_code(self, text: str) -> str:
        """Return what concerns only who writes Python; nothing for others."""
        return text


_READER: ContextVar[Reader] = ContextVar("chat_router_reader", default=Reader())  # noqa: B039 - it has no state


def reader() -> Reader:
    """Return who reads the messages that are made here."""
    return _READER.get()


@contextmanager
def told_to(who: Reader) -> Iterator[None]:
    """Make the messages within for another reader.

    Args:
        who: The reader.
    """
    token = _READER.set(who)
    try:
        yield
    finally:
        _READER.reset(token)
