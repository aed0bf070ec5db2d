"""A simulated server of the old `/v1/chat/gpt/` family: raw text without framing, hardly a word for errors.

No source and no recorded answer of such a server exists; its clients show the request and the raw text.
The living product of that name is an OpenAI-compatible endpoint: see `adapters.simulators.openai`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from adapters.simulators.faults import RAW_TEXT_LACKS
from adapters.simulators.framing import Framing
from adapters.simulators.reply_streams import PAGE
from adapters.simulators.server import Answer, Exchange, Simulator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from adapters.simulators.script import ScriptOptions


class ChatAnywhereSimulator(Simulator):
    """A simulated server of the old `/v1/chat/gpt/` family.

    Args:
        content_type: Of the reply; None: no such header.
        framed: False: neither chunks nor a length, so that a reply cut short looks complete.
        refusal: What the whole answer is under the fault `refusal`.
        **options: As of `Simulator`.
    """

    service: ClassVar[str] = "chat_anywhere"
    default_text: ClassVar[str] = "Hello from the simulated server of the old kind. 你好!"
    without: ClassVar[frozenset[str]] = RAW_TEXT_LACKS
    own_faults: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "refusal": "the whole answer, with status 200, says in Chinese that today's quota is used up",
            "cut_clean": "the body ends cleanly mid-stream, which raw text cannot tell from its end",
        }
    )

    def __init__(
        self,
        *,
        content_type: str | None = "text/plain",
        framed: bool = True,
        refusal: str = "当前地区当日额度已消耗完",
        **options: Unpack[ScriptOptions],
    ) -> None:
        super().__init__(**options)
        self._framing = Framing()
        self._framing.content_type = content_type
        self._framing.framed = framed
        self._refusal = refusal

    def failure(self, status: int, message: str) -> Answer:
        """Return an error as some servers of the family wrote it: JSON with a `message`."""
        return Answer(status, {"code": status, "message": message})

    async def answer(self, exchange: Exchange) -> None:
        """Answer a chat request or a look at the page."""
        received = exchange.received
        if received.method == "POST" and received.path == "/v1/chat/gpt/":
            await self._chat(exchange)
        elif received.method in ("GET", "HEAD") and received.path == "/":
            await exchange.respond(200, PAGE, content_type="text/html; charset=utf-8")
        else:
            await self.not_found(exchange)

    async def _chat(self, exchange: Exchange) -> None:
        prompt = _prompt(exchange)
        if prompt is None:
            await exchange.answer(self.failure(400, "the body has no `list` of messages"))
        else:
            text = self._refusal if self.strikes("refusal") else None
            await self.turn(exchange, self._framing, prompt=prompt, text=text)


def _prompt(exchange: Exchange) -> str | None:
    try:
        body: Any = exchange.received.json()
    except ValueError:
        return None
    messages = body.get("list") if isinstance(body, dict) else None
    if not isinstance(messages, list) or not messages:
        return None
    # The page of these servers sends the assistant's place holder last, so the question stands before it.
    said = [m for m in messages if isinstance(m, dict) and m.get("role") == "user"]
    return str(said[-1].get("content", "")) if said else ""
