"""OpenAI's chat completions as clients speak them: https://platform.openai.com/docs/api-reference/chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.wire.json import decode, encode
from router.gateway.asked import Asked
from router.gateway.failure import refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.contract import Delta, Usage
    from router.gateway.dialects.dialect import Dialect, Writer
    from router.gateway.failure import Failure
    from router.gateway.names import Names
    from router.reply.stream import ReplyStream
    from router.reply.transcript import Reply


class ChatCompletions:
    """The dialect of `POST /v1/chat/completions`."""

    def asked(self, body: bytes, names: Names) -> Asked:
        """Return what a client asks for.

        Raises:
            Refused: The body cannot be taken.
        """
        try:
            fields = decode(body)
        except Exception:  # noqa: BLE001 - whatever is wrong with a client's bytes, it is told
            raise refused("the request's body is no JSON") from None
        if not isinstance(fields, dict):
            raise refused("the request's body must be a JSON object")
        messages = fields.pop("messages", None)
        if not isinstance(messages, list):
            raise refused("messages must be an array", param="messages")
        named = fields.pop("model", None)
        model, providers = names.meaning(named)
        streams = bool(fields.pop("stream", False))
        counts = bool((fields.pop("stream_options", None) or {}).get("include_usage"))
        return Asked(messages, named, model, providers, fields, streams=streams, counts=counts)

    def whole(self, asked: Asked, reply: Reply, request_id: str) -> bytes:
        """Return a reply as one document."""
        message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
        if reply.tool_calls:
            message["tool_calls"] = [call.as_dict() for call in reply.tool_calls]
        choice = {"index": 0, "message": message, "finish_reason": reply.finish_reason or "stop"}
        return encode(
            {
                "id": f"chatcmpl-{request_id}",
                "object": "chat.completion",
                "created": asked.created,
                "model": reply.model or asked.named,
                "choices": [choice],
                "usage": _usage(reply.usage),
            }
        )

    def writer(self, asked: Asked) -> Writer:
        """Return what words a streamed reply."""
        return _Chunks(asked)

    def error(self, failure: Failure, request_id: str | None) -> bytes:
        """Return a failure as a document."""
        return encode(_error(failure))


class _Chunks:
    """Words one streamed reply as chunks."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._head: dict[str, Any] = {}

    def begin(self, stream: ReplyStream) -> bytes:
        self._head = {
            "id": f"chatcmpl-{stream.request_id}",
            "object": "chat.completion.chunk",
            "created": self._asked.created,
            "model": stream.model or self._asked.named,
        }
        return self._chunk({"role": "assistant", "content": ""})

    def deltas(self, deltas: Sequence[Delta]) -> bytes:
        return b"".join(self._chunk({"content": delta.text}) for delta in deltas if delta.text)

    def end(self, stream: ReplyStream) -> bytes:
        last = self._chunk({}, stream.finish_reason or "stop")
        if self._asked.counts:
            last += _event({**self._head, "choices": [], "usage": _usage(stream.usage)})
        return last + b"data: [DONE]\n\n"

    def failed(self, failure: Failure) -> bytes:
        return _event(_error(failure))

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
        return _event(
            {**self._head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}
        )


def _event(payload: dict[str, Any]) -> bytes:
    return b"data: " + encode(payload) + b"\n\n"


def _usage(usage: Usage | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt_tokens or 0,
        "completion_tokens": usage.completion_tokens or 0,
        "total_tokens": usage.total_tokens or 0,
    }


def _error(failure: Failure) -> dict[str, Any]:
    return {
        "error": {
            "message": failure.message,
            "type": failure.kind,
            "param": failure.param,
            "code": failure.code,
        }
    }


CHAT: Dialect = ChatCompletions()
