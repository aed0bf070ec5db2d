"""What those can do who read a gateway's messages: its clients, and its operator by the admin paths."""

from __future__ import annotations

from adapters.contract.reader import Reader


class GatewayReader(Reader):
    """Who asks a gateway, or runs it.

    Args:
        behind: Who made the providers, and can give them keys: a program, or the command.
    """

    def __init__(self, behind: Reader) -> None:
        self._behind = behind

    def key(self, setting: str, provider: str) -> str:
        """Return how its operator gives a provider its key."""
        return self._behind.key(setting, provider)

    def cookie(self, name: str) -> str:
        """Return how its operator gives a cookie."""
        return self._behind.cookie(name)

    def trust_env(self) -> str:
        """Return how its operator lets a provider use the proxies that the environment names."""
        return self._behind.trust_env()

    def proxy_sign_in(self) -> str:
        """Return how its operator gives a proxy its user and password."""
        return self._behind.proxy_sign_in()

    def models(self) -> str:
        """Return how to see the models that there are."""
        return "GET /v1/models lists those that there are"

    def total(self) -> str:
        """Return what sets the time for a whole request."""
        return "the gateway's limit for a request"

    def first_content(self) -> str:
        """Return what sets the time for the first content."""
        return "first_content in [timeouts] of the gateway's file"

    def own_timeouts(self) -> str:
        """Return what sets the times for one request alone."""
        return "the request's own times"

    def reset(self) -> str:
        """Return what ends an isolation by hand."""
        return "its operator's POST /admin/reset"

    def reset_now(self) -> str:
        """Return what ends a break before its time."""
        return self.reset()

    def probe(self) -> str:
        """Return what brings a provider back that does not work."""
        return "a successful probe (its operator's POST /admin/probe)"

    def failover(self, kind: str) -> str:
        """Return how its operator lets another provider be asked after an error that ends a request."""
        return self._behind.failover(kind)

    def in_code(self, text: str) -> str:
        """Return nothing: a client has code of its own, with another library."""
        return ""
