"""A simulated endpoint of Anthropic's Messages API: messages and the list of models, below `/v1`.

It validates what it is sent as the real one does: the key, the version, `max_tokens`, the model, the turns,
the ids of tools and their results. Forms: https://platform.claude.com/docs/en/api/messages/create,
https://platform.claude.com/docs/en/build-with-claude/streaming, https://platform.claude.com/docs/en/api/errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Unpack

from adapters.simulators.anthropic_requests import complaint, last_words
from adapters.simulators.framing import Framing, Piece, compact, sse
from adapters.simulators.server import Answer, Exchange, Simulator

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from adapters.simulators.script import ScriptOptions

_NO_SAMPLING_SINCE: Final = "2026-10-21"
_KINDS: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "api_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_OWN: Final = MappingProxyType({
    "529": (529, "Overloaded"),
    "413": (413, "Request exceeds the maximum size"),
    "504": (504, "Request timed out"),
    "too_long": (400, "prompt is too long: 208310 tokens > 200000 maximum"),
    "no_credit": (400, "Your credit balance is too low to access the Anthropic API. "
                       "Please go to Plans & Billing to upgrade or purchase credits."),
    "billing": (402, "There is an issue with your billing information."),
})  # fmt: skip


class AnthropicSimulator(Simulator):
    """A simulated endpoint of Anthropic's API. Point an adapter, or Anthropic's SDK, to `url`.

    Args:
        api_key: The key to ask for, as `x-api-key` or as `Authorization: Bearer`; None: none is looked at.
        models: The models that it has; empty: any, and the list names one.
        thinking: What the model thinks aloud before the text; its block has a signature.
        tool_calls: The blocks of calls: `{"id", "name", "input"}`.
        blocks: The content instead of all that: blocks as in a whole message, in their order.
        usage: The counts; by default a delta is a token, and every prompt has eight.
        stop_reason: As in `message_delta`; None: no such event.
        done: Whether a stream ends with `message_stop`.
        whole: Answer with a whole message though a stream was asked for.
        keep_open: Silence after the end mark, until the client goes away.
        **options: As of `Simulator`.
    """

    service: ClassVar[str] = "anthropic"
    default_text: ClassVar[str] = "Hello from the simulated Messages API."
    own_faults: ClassVar[Mapping[str, str]] = MappingProxyType(
        {
            "529": "status 529, overloaded_error",
            "413": "status 413, request_too_large",
            "504": "status 504, timeout_error",
            "too_long": "status 400 with the words of a prompt that is too long",
            "no_credit": "status 400 with the words of an empty balance",
            "billing": "status 402, billing_error",
            "refused": "the model refuses before it says a word",
            "refused_after": "the model refuses after all of its text",
            "overloaded_event": "an overloaded_error event comes after some content",
        }
    )

    def __init__(
        self,
        *,
        api_key: str | None = None,
        models: Sequence[str] = (),
        thinking: str = "",
        tool_calls: Sequence[Mapping[str, Any]] = (),
        blocks: Sequence[Mapping[str, Any]] | None = None,
        usage: Mapping[str, Any] | None = None,
        stop_reason: str | None = "end_turn",
        done: bool = True,
        whole: bool = False,
        keep_open: bool = False,
        **options: Unpack[ScriptOptions],
    ) -> None:
        if tool_calls:
            options = {"text": "", **options}  # a message that calls tools says nothing besides, as a rule
            stop_reason = "tool_use" if stop_reason == "end_turn" else stop_reason
        super().__init__(**options)
        self._key = api_key
        self._models = tuple(models)
        self._whole = whole
        before = [{"type": "thinking", "thinking": thinking, "signature": "c2lnbmVk"}] if thinking else []
        after = [{"type": "tool_use", **call} for call in tool_calls]
        self._manner = Manner(
            tuple(before), tuple(after), None if blocks is None else tuple(blocks),
            usage, stop_reason, done, keep_open,
        )  # fmt: skip

    def failure(self, status: int, message: str) -> Answer:
        """Return an error in Anthropic's form."""
        return Answer(status, error_body(status, message, self._request_id()), headers=self._ids())

    async def answer(self, exchange: Exchange) -> None:
        """Answer a request for a message or for the models."""
        received = exchange.received
        keys = (received.header("x-api-key"), received.header("authorization"))
        if self._key is not None and self._key != keys[0] and f"Bearer {self._key}" != keys[1]:
            await exchange.answer(self.failure(401, "invalid x-api-key"))
        elif not received.path.endswith(("/v1/messages", "/v1/models")):
            await self.not_found(exchange)
        elif received.header("anthropic-version") is None:
            await exchange.answer(self.failure(400, "anthropic-version: header is required"))
        elif received.method == "POST" and received.path.endswith("/v1/messages"):
            await self._message(exchange)
        elif received.method == "GET" and received.path.endswith("/v1/models"):
            listed = [
                {"type": "model", "id": name, "display_name": name, "created_at": "2026-01-01T00:00:00Z"}
                for name in self._models or ("claude-simulated",)
            ]
            ends = {"first_id": listed[0]["id"], "last_id": listed[-1]["id"], "has_more": False}
            await exchange.respond(200, {"data": listed, **ends}, headers=self._ids())
        else:
            await self.not_found(exchange)

    async def _message(self, exchange: Exchange) -> None:
        version = exchange.received.header("anthropic-version") or ""
        body, wrong = complaint(exchange.received.body, sampling=version < _NO_SAMPLING_SINCE)
        if wrong is not None:
            await exchange.answer(self.failure(400, wrong))
            return
        model = str(body["model"])
        if self._models and model not in self._models:
            await exchange.answer(self.failure(404, f"model: {model}"))
            return
        own = self.strikes(*_OWN)
        if own is not None:
            self.turns += 1
            await exchange.answer(self.failure(*_OWN[own]))
            return
        fault = self.strikes("refused", "refused_after", "overloaded_event")
        manner = self._manner.under(fault)
        kind = Stream if body.get("stream") and not self._whole else Whole
        framing = kind(
            manner, f"msg_{self.turns + 1}", model, self._ids(), faulty=fault == "overloaded_event"
        )
        text = "" if fault == "refused" else None
        await self.turn(exchange, framing, prompt=last_words(body), text=text)

    def _request_id(self) -> str:
        return f"req_{len(self.requests)}"

    def _ids(self) -> tuple[tuple[str, str], ...]:
        return (("request-id", self._request_id()),)


@dataclass(frozen=True, slots=True)
class Manner:
    """How a message looks besides its text; see `AnthropicSimulator`."""

    before: tuple[Mapping[str, Any], ...] = ()
    after: tuple[Mapping[str, Any], ...] = ()
    blocks: tuple[Mapping[str, Any], ...] | None = None
    usage: Mapping[str, Any] | None = None
    stop_reason: str | None = "end_turn"
    done: bool = True
    keep_open: bool = False

    def under(self, fault: str | None) -> Manner:
        """Return the manner of a message that is refused, where that is the fault."""
        if fault not in ("refused", "refused_after"):
            return self
        return Manner(usage=self.usage, stop_reason="refusal", done=self.done, keep_open=self.keep_open)

    def content(self, deltas: Sequence[str]) -> list[Mapping[str, Any]]:
        """Return the blocks of a message whose text comes in `deltas`."""
        if self.blocks is not None:
            return list(self.blocks)
        text = [{"type": "text", "text": "".join(deltas)}] if any(deltas) else []
        return [*self.before, *text, *self.after]


class Whole(Framing):
    """A message as one JSON object, written in two halves.

    Args:
        manner: How it looks besides its text.
        number: The id of the message.
        model: The model's name.
        headers: Of the answer.
        faulty: Break off with an error event in the middle of the content; of streams only.
    """

    content_type = "application/json"

    def __init__(
        self,
        manner: Manner,
        number: str,
        model: str,
        headers: tuple[tuple[str, str], ...] = (),
        *,
        faulty: bool = False,
    ) -> None:
        self._manner = manner
        self._number = number
        self._model = model
        self._faulty = faulty
        self._count = 0
        self.headers = headers
        self.keeps_open = manner.keep_open

    def content(self, deltas: Sequence[str]) -> Iterable[Piece]:
        """Return the JSON object in two halves."""
        self._count = len(deltas)
        return self._halves(self._manner.content(deltas))

    def nothing(self) -> Iterable[Piece]:
        """Return the JSON object of a message without content."""
        return self._halves([])

    def error(self, message: str) -> Piece:
        """Return an error object."""
        return compact(error_body(500, message))

    def comment(self) -> Piece:
        """Return white space, which JSON allows anywhere between its parts."""
        return " \n"

    def _halves(self, content: list[Mapping[str, Any]]) -> Iterable[Piece]:
        message = {**self.message(content, self._manner.stop_reason), "usage": self.counts()}
        data = compact(message).encode()
        return (data[: len(data) // 2], data[len(data) // 2 :])

    def message(self, content: list[Mapping[str, Any]], stop_reason: str | None) -> dict[str, Any]:
        """Return the message without its usage."""
        return {
            "id": self._number,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": None,
        }

    def counts(self) -> dict[str, Any]:
        """Return the usage at the end."""
        if self._manner.usage is not None:
            return dict(self._manner.usage)
        return {"input_tokens": 8, "output_tokens": self._count}


class Stream(Whole):
    """A message as named server-sent events, a `ping` among them."""

    content_type = "text/event-stream; charset=utf-8"

    def opening(self) -> Iterable[Piece]:
        """Return the start of the message, and a ping."""
        usage = {**self.counts(), "output_tokens": 1}
        usage.pop("output_tokens_details", None)
        message = {**self.message([], None), "usage": usage}
        return [_event("message_start", message=message), _event("ping")]

    def content(self, deltas: Sequence[str]) -> Iterable[Piece]:
        """Return the events of all blocks."""
        self._count = len(deltas)
        pieces: list[Piece] = []
        for index, block in enumerate(self._manner.content(deltas)):
            whole = block.get("type") == "text" and block.get("text") == "".join(deltas)
            pieces += _block_events(index, block, list(deltas) if whole else None)
        if self._faulty:
            pieces = [*pieces[: len(pieces) // 2 + 1], sse(error_body(529, "Overloaded"), event="error")]
        return pieces

    def nothing(self) -> Iterable[Piece]:
        """Return no block."""
        return ()

    def ending(self, text: str) -> Iterable[Piece]:
        """Return the stop reason with the usage, and the end mark."""
        pieces = []
        if self._manner.stop_reason is not None:
            delta = {"stop_reason": self._manner.stop_reason, "stop_sequence": None}
            pieces.append(_event("message_delta", delta=delta, usage=self.counts()))
        if self._manner.done:
            pieces.append(_event("message_stop"))
        return pieces

    def error(self, message: str) -> Piece:
        """Return an error event."""
        return sse(error_body(500, message), event="error")

    def comment(self) -> Piece:
        """Return a ping."""
        return _event("ping")


def error_body(status: int, message: str, request_id: str = "req_0") -> dict[str, Any]:
    """Return an error object in Anthropic's form."""
    error = {"type": _KINDS.get(status, "api_error"), "message": message}
    return {"type": "error", "error": error, "request_id": request_id}


def _event(name: str, **fields: Any) -> str:
    return sse({"type": name, **fields}, event=name)


def _block_events(index: int, block: Mapping[str, Any], pieces: list[str] | None) -> list[Piece]:
    """Return the events of one block; text, thinking and input come in several deltas."""
    kind = block.get("type")
    start: dict[str, Any] = dict(block)
    deltas: list[dict[str, Any]] = []
    if kind == "text":
        start["text"] = ""
        citations = start.pop("citations", None) or []
        deltas = [{"type": "text_delta", "text": text} for text in pieces or _halves_of(block["text"])]
        deltas += [{"type": "citations_delta", "citation": citation} for citation in citations]
    elif kind == "thinking":
        start |= {"thinking": "", "signature": ""}
        deltas = [{"type": "thinking_delta", "thinking": text} for text in _halves_of(block["thinking"])]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
    elif kind in ("tool_use", "server_tool_use"):
        start["input"] = {}
        written = compact(block["input"]) if block["input"] else ""
        deltas = [{"type": "input_json_delta", "partial_json": text} for text in ("", *_halves_of(written))]
    events = [_event("content_block_delta", index=index, delta=delta) for delta in deltas] or [""]
    # The start comes in one packet with the first delta, the stop with the last: each piece has content.
    events[0] = _event("content_block_start", index=index, content_block=start) + events[0]
    events[-1] += _event("content_block_stop", index=index)
    return list(events)


def _halves_of(text: str) -> list[str]:
    middle = len(text) // 2
    return [half for half in (text[:middle], text[middle:]) if half]
