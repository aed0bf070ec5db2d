"""The log of the gateway: one line for each request, without a word of prompts and replies.

It never configures structlog. Where the application has not, the lines go to the standard library's logger
`router.gateway`, whose message then shows the fields.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final, Literal

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from starlette.types import Message, Send

NAME: Final = "router.gateway"
_LEVELS: Final = {"info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_MODEL: Final = 100
"""Characters of a model's name that are logged; a client may write anything there."""


def _say_it(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put the fields into the message itself; a processor of structlog."""
    shown = [f"{name}={value!r}" for name, value in event.items() if name != "event"]
    event["event"] = " ".join([str(event["event"]), *shown])
    return event


_logger: Final = logging.getLogger(NAME)
_standard: Any = structlog.wrap_logger(
    _logger,
    processors=[structlog.stdlib.filter_by_level, _say_it, structlog.stdlib.render_to_log_kwargs],
    wrapper_class=structlog.stdlib.BoundLogger,
    context_class=dict,
    cache_logger_on_first_use=True,
)


def log(level: Literal["info", "warning", "error"], event: str, **fields: object) -> None:
    """Write a line.

    Args:
        level: How urgent it is.
        event: What happened, as a name.
        fields: What belongs to it.
    """
    configured = structlog.is_configured()
    if configured or _logger.isEnabledFor(_LEVELS[level]):
        getattr(structlog.get_logger(NAME) if configured else _standard, level)(event, **fields)


class Access:
    """Watches one request's answer, for its line in the log.

    Args:
        path: Which API was asked.
        send: Takes the parts of the answer.

    Attributes:
        key: The name of the key that was shown.
        model: The model that was asked for.
        failed: Whether the answer broke off after it had begun.
    """

    __slots__ = ("_began", "_path", "_send", "_told", "_whole", "failed", "key", "model", "status")

    def __init__(self, path: str, send: Send) -> None:
        self.key = "-"
        self.model: str | None = None
        self.status: int | None = None
        self.failed = False
        self._path = path
        self._send = send
        self._began = time.monotonic()
        self._whole = False
        self._told: dict[str, str] = {}

    async def send(self, message: Message) -> None:
        """Pass on a part of the answer."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self._told = {
                name.decode("ascii"): value.decode("latin-1")
                for name, value in message["headers"]
                if name in (b"x-request-id", b"x-chat-router-provider")
            }
        elif message["type"] == "http.response.body":
            self._whole = not message.get("more_body", False)
        await self._send(message)

    def tell(self) -> None:
        """Write the line."""
        log(
            "info",
            "gateway.request",
            key=self.key,
            api=self._path,
            model=self.model[:_MODEL] if self.model is not None else None,
            provider=self._told.get("x-chat-router-provider"),
            status=self.status,
            seconds=round(time.monotonic() - self._began, 3),
            end="failed" if self.failed else "whole" if self._whole else "left",
            request_id=self._told.get("x-request-id"),
        )
