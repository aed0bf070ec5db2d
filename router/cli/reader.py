"""What somebody can do who runs the command: options, variables of the environment, the file."""

from __future__ import annotations

import re

from adapters.contract.reader import Reader


class CommandReader(Reader):
    """Who runs `chat-router`."""

    def key(self, setting: str, provider: str) -> str:
        """Return how to give a provider its key: in the file, or beside `--provider`."""
        variable = f"CHAT_ROUTER_{re.sub(r'[^A-Z0-9]', '_', provider.upper())}_API_KEY"
        return (
            f'set {variable}; with a file also write {setting} = {{ env = "{variable}" }} in its [[provider]]'
        )

    def cookie(self, name: str) -> str:
        """Return how to give a cookie."""
        return f'write cookies = {{ {name} = {{ env = "NAME" }} }} in its [[provider]] of the file'

    def trust_env(self) -> str:
        """Return how to let a provider use the proxies that the environment names."""
        return "write trust_env = true in its [[provider]] of the file"

    def proxy_sign_in(self) -> str:
        """Return how to give a proxy its user and password."""
        return (
            'write proxy = { env = "NAME" } in its [[provider]] of the file, and set the variable to '
            "http://user:password@host:port"
        )

    def models(self) -> str:
        """Return how to see the models that there are."""
        return "chat-router health --format json lists the models of each"

    def total(self) -> str:
        """Return what sets the time for a whole request."""
        return "--timeout, or total in [timeouts] of the file"

    def first_content(self) -> str:
        """Return what sets the time for the first content."""
        return "first_content in [timeouts] of the file"

    def own_timeouts(self) -> str:
        """Return what sets the times for one request alone."""
        return "--timeout"

    def reset(self) -> str:
        """Return what ends an isolation by hand: a command asks as a process of its own."""
        return "POST /admin/reset at the gateway"

    def reset_now(self) -> str:
        """Return what ends a break before its time."""
        return f"start the command anew, or {self.reset()}"

    def probe(self) -> str:
        """Return what brings a provider back that does not work."""
        return "a successful probe (chat-router health)"

    def failover(self, kind: str) -> str:
        """Return how to let another provider be asked after an error that ends a request."""
        return f'write dispositions = {{ {kind} = "failover" }} in [retry] of the file'

    def in_code(self, text: str) -> str:
        """Return nothing: there is no code."""
        return ""
