"""Calls the gateway's application directly, as an ASGI server does, on asyncio and trio."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio

from router import RetryPolicy, Router
from router.gateway import GatewaySettings, app

if TYPE_CHECKING:
    from starlette.types import Message

    from adapters.contract import Adapter

HELLO = [{"role": "user", "content": "hello"}]


class Call:
    """One request of a client, and what it gets.

    Args:
        body: Of the request.
        path: Asked.
        method: Used.

    Attributes:
        sent: What the application sent.
        times: When, on the event loop's clock.
        gone: Set where the client has left.
        slow: The client reads nothing until this is set.
    """

    def __init__(self, body: Any = None, path: str = "/v1/chat/completions", method: str = "POST") -> None:
        self._body = json.dumps(body).encode() if not isinstance(body, bytes) else body
        self.path, self.method = path, method
        self.sent: list[Message] = []
        self.times: list[float] = []
        self.gone = anyio.Event()
        self.slow: anyio.Event | None = None
        self.error_of_send: Exception | None = None
        self._given = False

    async def _receive(self) -> Message:
        if not self._given:
            self._given = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self.slow is not None and message["type"] == "http.response.body":
            await self.slow.wait()
        await anyio.lowlevel.checkpoint()
        if self.error_of_send is not None:
            raise self.error_of_send
        self.sent.append(message)
        self.times.append(anyio.current_time())

    async def put_to(self, application: Any) -> Call:
        """Have it answered; return itself."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"127.0.0.1"), (b"content-type", b"application/json")],
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 50000),
        }
        await application(scope, self._receive, self._send)
        return self

    @property
    def status(self) -> int:
        """Of the answer."""
        status: int = self.sent[0]["status"]
        return status

    @property
    def headers(self) -> dict[str, str]:
        """Of the answer."""
        return {name.decode(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def bodies(self) -> list[bytes]:
        """The writes of the answer."""
        return [message["body"] for message in self.sent[1:]]

    @property
    def is_ended(self) -> bool:
        """Whether the answer has its last chunk."""
        return len(self.sent) > 1 and not self.sent[-1].get("more_body", False)

    def document(self) -> Any:
        """The answer, where it is one JSON document."""
        return json.loads(b"".join(self.bodies))

    def events(self) -> list[Any]:
        """The events of the answer; comments and the end mark are texts."""
        found: list[Any] = []
        for event in b"".join(self.bodies).decode().split("\n\n")[:-1]:
            data = event.removeprefix("data: ")
            found.append(json.loads(data) if data.startswith("{") else data)
        return found


def asking(**fields: Any) -> Call:
    """Return a call for a chat completion."""
    return Call({"model": "chat-router", "messages": HELLO, **fields})


def router_of(*adapters: Adapter, **settings: Any) -> Router:
    """Return a router that asks each of these once."""
    return Router(adapters, **{"retry": RetryPolicy(attempts=1), "observers": [], **settings})


async def answered(call: Call, *adapters: Adapter, settings: GatewaySettings | None = None) -> Call:
    """Have a call answered by a chain of its own."""
    async with router_of(*adapters) as router:
        return await call.put_to(app(router, settings))
