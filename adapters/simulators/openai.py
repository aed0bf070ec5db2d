"""A simulated OpenAI-compatible endpoint: chat completions and the list of models, below `/v1`.

It validates what it is sent as the real ones do: the key, the body, the model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Unpack

from adapters.simulators.framing import Framing, Piece, compact, sse
from adapters.simulators.server import Answer, Exchange, Simulator

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from adapters.simulators.script import ScriptOptions

_CREATED: Final = 1_700_000_000
_KINDS: Final = {
    402: ("insufficient_quota", "insufficient_quota"),
    401: ("invalid_request_error", "invalid_api_key"),
    403: ("invalid_request_error", "forbidden"),
    429: ("requests", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("server_error", "overloaded"),
}


class OpenAISimulator(Simulator):
    """A simulated OpenAI-compatible endpoint. Point an adapter to `url + "/v1"`; it knows no other address.

    Args:
        api_key: The key to ask for, as `Authorization: Bearer`; None: none is looked at.
        keys: Several keys, and the status that requests with each are answered with: 200, or that of an
            error, such as 401, 402 or 429. It may be changed while it serves.
        models: The models that it has; empty: any, and the list names one.
        reasoning: What the model thinks aloud before the text, as `reasoning_content`.
        tool_calls: Calls as of a whole message: `{"id", "type", "function": {"name", "arguments"}}`.
        done: Whether a stream ends with `[DONE]`.
        finish_reason: As in the last chunk; None: no such chunk.
        whole: Answer with a whole JSON completion though a stream was asked for.
        keep_open: Silence after the end mark, until the client goes away.
        key_header: The header that has to carry the key; any but `authorization` has the bare key.
        root: Where the API is, as the end of the path before `/chat/completions`.
        fields: The fields of a body that it knows; others are refused with 422. Empty: all are taken.
        roles: The roles of messages that it knows; others are refused with 400. Empty: all are taken.
        lists: Whether it has a list of models.
        **options: As of `Simulator`.
    """

    service: ClassVar[str] = "openai"
    default_text: ClassVar[str] = "Hello from the simulated OpenAI-compatible endpoint."

    def __init__(
        self,
        *,
        api_key: str | None = None,
        keys: Mapping[str, int] | None = None,
        models: Sequence[str] = (),
        reasoning: str = "",
        tool_calls: Sequence[Mapping[str, Any]] = (),
        done: bool = True,
        finish_reason: str | None = "stop",
        whole: bool = False,
        keep_open: bool = False,
        key_header: str = "authorization",
        root: str = "/v1",
        fields: Collection[str] = (),
        roles: Collection[str] = (),
        lists: bool = True,
        **options: Unpack[ScriptOptions],
    ) -> None:
        if tool_calls:
            options = {"text": "", **options}  # a message that calls tools says nothing besides, as a rule
            finish_reason = "tool_calls" if finish_reason == "stop" else finish_reason
        super().__init__(**options)
        self.keys: dict[str, int] = dict(keys or ({} if api_key is None else {api_key: 200}))
        """Key -> the status of its requests; empty: no key is looked at."""
        self._key_header, self._root, self._lists = key_header, root, lists
        self._fields, self._roles = frozenset(fields), frozenset(roles)
        self._models = tuple(models)
        self._whole = whole
        self._manner = Manner(reasoning, tuple(tool_calls), done, finish_reason, keep_open)

    def failure(self, status: int, message: str) -> Answer:
        """Return an error in OpenAI's form."""
        return Answer(status, _error(status, message))

    async def answer(self, exchange: Exchange) -> None:
        """Answer a request for a completion or for the models."""
        received = exchange.received
        status = self._status_of(received.header(self._key_header))
        if status != 200:
            await exchange.answer(self._refusal(status))
        elif received.method == "POST" and received.path.endswith(f"{self._root}/chat/completions"):
            await self._complete(exchange)
        elif self._lists and received.method == "GET" and received.path.endswith(f"{self._root}/models"):
            owned = [
                {"id": name, "object": "model", "created": _CREATED, "owned_by": "simulator"}
                for name in self._models or ("simulated",)
            ]
            await exchange.respond(200, {"object": "list", "data": owned})
        else:
            await self.not_found(exchange)

    def _status_of(self, authorization: str | None) -> int:
        if not self.keys:
            return 200
        return self.keys.get((authorization or "").removeprefix("Bearer "), 401)

    def _refusal(self, status: int) -> Answer:
        """Return the answer to a key that is not served now, with the script's Retry-After where one fits."""
        words = {
            402: "You have no credits left.",
            404: "The model `m` does not exist or you do not have access to it.",
            413: "Request too large on tokens per minute (TPM): Limit 6000, Requested 9000.",
            429: "Rate limit reached for requests.",
        }
        answer = self.failure(status, words.get(status, "The API key is missing or not correct."))
        wait = self.script.retry_after
        if status not in (402, 429) or not wait:
            return answer
        return replace(answer, headers=(*answer.headers, ("Retry-After", wait)))

    async def _complete(self, exchange: Exchange) -> None:
        body = _body(exchange)
        messages, model = body.get("messages"), body.get("model")
        if not isinstance(model, str) or not model:
            await self._refuse(exchange, 400, "you must provide a model parameter", "model")
        elif not isinstance(messages, list) or not messages:
            await self._refuse(
                exchange, 400, "'messages' must be a list with at least one message", "messages"
            )
        elif self._fields and (strange := sorted(set(body) - self._fields)):
            await self._refuse(exchange, 422, f"Extra inputs are not permitted: {strange[0]}", strange[0])
        elif self._roles and (strange := sorted({str(m.get("role")) for m in messages} - self._roles)):
            await self._refuse(exchange, 400, f"Invalid role: {strange[0]}", "messages")
        elif self._models and model not in self._models:
            message = f"The model `{model}` does not exist or you do not have access to it."
            await self._refuse(exchange, 404, message, "model", "model_not_found")
        else:
            number = f"chatcmpl-{self.turns + 1}"
            options = body.get("stream_options")
            usage = isinstance(options, dict) and options.get("include_usage") is True
            framing = Whole(self._manner, number, model)
            if body.get("stream") and not self._whole:
                framing = Stream(self._manner, number, model, usage=usage)
            await self.turn(exchange, framing, prompt=_said(messages[-1]))

    async def _refuse(
        self, exchange: Exchange, status: int, message: str, param: str, code: str | None = None
    ) -> None:
        await exchange.respond(status, _error(status, message, param, code))


@dataclass(frozen=True, slots=True)
class Manner:
    """How a completion looks besides its text; see `OpenAISimulator`."""

    reasoning: str
    tool_calls: tuple[Mapping[str, Any], ...]
    done: bool
    finish_reason: str | None
    keep_open: bool


class Whole(Framing):
    """A completion as one JSON object, written in two halves.

    Args:
        manner: How it looks besides its text.
        number: The id of the completion.
        model: The model's name.
        usage: Whether a stream was to tell the usage at its end.
    """

    content_type = "application/json"

    def __init__(self, manner: Manner, number: str, model: str, *, usage: bool = False) -> None:
        self._manner = manner
        self._number = number
        self._model = model
        self._usage = usage
        self._count = 0
        self.keeps_open = manner.keep_open

    def content(self, deltas: Sequence[str]) -> Iterable[Piece]:
        """Return the JSON object in two halves."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(deltas) or None}
        if self._manner.reasoning:
            message["reasoning_content"] = self._manner.reasoning
        if self._manner.tool_calls:
            message["tool_calls"] = list(self._manner.tool_calls)
        self._count = len(deltas)
        return self._halves(message)

    def nothing(self) -> Iterable[Piece]:
        """Return the JSON object with an empty message."""
        return self._halves({"role": "assistant", "content": ""})

    def error(self, message: str) -> Piece:
        """Return an error object."""
        return compact(_error(500, message))

    def comment(self) -> Piece:
        """Return white space, which JSON allows anywhere between its parts."""
        return " \n"

    def _halves(self, message: dict[str, Any]) -> Iterable[Piece]:
        choice = {"index": 0, "message": message, "finish_reason": self._manner.finish_reason}
        data = compact(
            {**self._head("chat.completion"), "choices": [choice], "usage": self._tokens()}
        ).encode()
        return (data[: len(data) // 2], data[len(data) // 2 :])

    def _head(self, kind: str) -> dict[str, Any]:
        return {"id": self._number, "object": kind, "created": _CREATED, "model": self._model}

    def _tokens(self) -> dict[str, int]:
        # A delta is a token here, and every prompt has eight.
        return {"prompt_tokens": 8, "completion_tokens": self._count, "total_tokens": 8 + self._count}


class Stream(Whole):
    """A completion as server-sent events: the role, the deltas, the finish reason, the usage, `[DONE]`."""

    content_type = "text/event-stream"

    def opening(self) -> Iterable[Piece]:
        """Return the chunk that has only the role."""
        return [self._chunk({"role": "assistant", "content": ""})]

    def delta(self, text: str) -> Piece:
        """Return a chunk with text."""
        return self._chunk({"content": text})

    def content(self, deltas: Sequence[str]) -> Iterable[Piece]:
        """Return the chunks of reasoning, text and tool calls."""
        manner = self._manner
        pieces: list[Piece] = [self._chunk({"reasoning_content": word}) for word in _words(manner.reasoning)]
        pieces += [self.delta(text) for text in deltas]
        for index, call in enumerate(manner.tool_calls):
            pieces += [self._chunk({"tool_calls": [part]}) for part in _fragments(index, call)]
        self._count = len(pieces)
        return pieces

    def nothing(self) -> Iterable[Piece]:
        """Return no chunk: the role and the end are all there is."""
        return ()

    def ending(self, text: str) -> Iterable[Piece]:
        """Return the chunks after the content, and the end mark."""
        pieces = []
        if self._manner.finish_reason is not None:
            pieces.append(self._chunk({}, self._manner.finish_reason))
        if self._usage:
            head = self._head("chat.completion.chunk")
            pieces.append(sse({**head, "choices": [], "usage": self._tokens()}))
        if self._manner.done:
            pieces.append(sse("[DONE]"))
        return pieces

    def error(self, message: str) -> Piece:
        """Return an event with an error object."""
        return sse(_error(500, message))

    def comment(self) -> Piece:
        """Return a comment of server-sent events."""
        return ": keep-alive\n\n"

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return sse({**self._head("chat.completion.chunk"), "choices": [choice]})


def _error(status: int, message: str, param: str | None = None, code: str | None = None) -> dict[str, Any]:
    kind, usual = _KINDS.get(status, ("invalid_request_error", None))
    return {"error": {"message": message, "type": kind, "param": param, "code": code or usual}}


def _body(exchange: Exchange) -> dict[str, Any]:
    try:
        body = exchange.received.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _said(message: Any) -> str:
    content = message.get("content") if isinstance(message, dict) else None
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


def _words(text: str) -> list[str]:
    first, *rest = text.split(" ")
    return [word for word in (first, *(f" {word}" for word in rest)) if word]


def _fragments(index: int, call: Mapping[str, Any]) -> list[dict[str, Any]]:
    function = dict(call.get("function", {}))
    arguments = str(function.pop("arguments", ""))
    middle = len(arguments) // 2
    first = {"index": index, **call, "function": {**function, "arguments": ""}}
    rest = [
        {"index": index, "function": {"arguments": a}} for a in (arguments[:middle], arguments[middle:]) if a
    ]
    return [first, *rest]
