"""What a client asks for, whatever API it speaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.contract import Message
    from router import Router
    from router.request.pending import PendingStream


@dataclass(frozen=True, slots=True)
class Asked:
    """A request of a client, checked as far as its API goes; the router checks messages and options.

    Attributes:
        messages: OpenAI-style messages; `Message`s where one provider alone gets a part of them.
        named: The model as the client named it; answers carry this name where the provider gives none.
        model: The model to ask the providers for; None for each one's default.
        providers: Ask only these; None for the whole chain.
        options: See `adapters.ChatOptions`.
        require: Options that are demands.
        streams: Whether the client wants the reply in pieces.
        counts: Whether a streamed reply ends with the token counts (`stream_options.include_usage`).
        created: When it was asked, in seconds since 1970; answers carry it.
        own: What only the client's API knows, for its way back.
        extra: Provider name -> what the client says to that provider alone.
    """

    messages: Sequence[Message | Mapping[str, Any]]
    named: str
    model: str | None = None
    providers: tuple[str, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    require: tuple[str, ...] = ()
    streams: bool = False
    counts: bool = False
    created: int = 0
    own: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def put_to(self, router: Router) -> PendingStream:
        """Return the stream of the reply, not begun yet."""
        return router.stream(
            self.messages,
            self.model,
            providers=self.providers,
            extra=self.extra or None,
            require=self.require,
            **self.options,
        )

    def __repr__(self) -> str:
        # Prompts are private: a repr ends up in logs and tracebacks.
        return f"<Asked {len(self.messages)} messages, model={self.named[:100]!r}, streams={self.streams}>"
