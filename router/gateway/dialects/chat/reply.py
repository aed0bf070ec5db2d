"""A reply as OpenAI's clients know it: the whole completion, and its chunks.

Beyond OpenAI's own fields: `reasoning_content` (as DeepSeek, vLLM and others name it), `images` (as
OpenRouter does), and `chat_router`, an object beside `choices`:

    switch        in a chunk: another provider takes over: {"kind", "left", "taken_by", "shown"}; with the
                  kind `restart` what was streamed before is void, with `continue` it goes on
    switches      in a whole completion: all of them
    final_text    in a chunk at the end: the provider's own final version of the whole text, where it differs
                  from the text that was streamed
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from adapters.wire.json import encode
from router.gateway.dialects.chat.request import OLD_FUNCTIONS
from router.gateway.dialects.events import event_of, switch_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.contract import Beside, Delta, Switch, ToolCallFragment, Usage
    from router.gateway.asked import Asked
    from router.gateway.failure import Failure
    from router.reply.stream import ReplyStream
    from router.reply.transcript import Choice, Reply

_HANDED_ON: Final = ("service_tier", "system_fingerprint", "citations", "native_finish_reason")
"""Fields of the provider's own chunks that clients know."""
DONE: Final = b"data: [DONE]\n\n"


def completion(asked: Asked, reply: Reply, request_id: str) -> dict[str, Any]:
    """Return a whole reply as a completion."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": reply.final_text or reply.text or None,
        "refusal": reply.refusal,
    }
    if reply.refusal is not None and message["content"] == reply.refusal:
        message["content"] = None
    if reply.reasoning:
        message["reasoning_content"] = reply.reasoning
    if reply.tool_calls:
        calls = [call.as_dict() for call in reply.tool_calls]
        if OLD_FUNCTIONS in asked.own or reply.tool_calls[0].type == "function_call":
            message["function_call"] = calls[0].get("function") or calls[0].get("function_call")
        else:
            message["tool_calls"] = calls
    message |= _beside(reply.beside)
    if reply.audio:
        message["audio"] = dict(reply.audio[-1])
    choices = [
        {
            "index": 0,
            "message": message,
            "logprobs": _logprobs(reply.beside),
            "finish_reason": finish_reason(reply.finish_reason, asked, calls=bool(reply.tool_calls)),
        },
        *(_choice(choice, asked) for choice in reply.choices),
    ]
    document: dict[str, Any] = {
        "id": f"chatcmpl-{request_id}",
        "object": "chat.completion",
        "created": asked.created,
        "model": reply.model or asked.named,
        "choices": choices,
        "usage": usage_of(reply.usage),
    }
    document |= {name: reply.extra[name] for name in _HANDED_ON if name in reply.extra}
    if reply.switches:
        document["chat_router"] = {"switches": [switch_of(switch) for switch in reply.switches]}
    return document


def _choice(choice: Choice, asked: Asked) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": choice.text or None, "refusal": None}
    if choice.reasoning:
        message["reasoning_content"] = choice.reasoning
    if choice.tool_calls:
        message["tool_calls"] = [call.as_dict() for call in choice.tool_calls]
    reason = finish_reason(choice.finish_reason, asked, calls=bool(choice.tool_calls))
    return {"index": choice.index, "message": message, "logprobs": None, "finish_reason": reason}


def finish_reason(given: str | None, asked: Asked, *, calls: bool) -> str:
    """Return why the reply ended; where a provider only ended its body, what that means."""
    if calls and OLD_FUNCTIONS in asked.own:
        return "function_call" if given in (None, "tool_calls", "stop") else given
    return given or ("tool_calls" if calls else "stop")


def usage_of(usage: Usage | None) -> dict[str, Any] | None:
    """Return token counts; a total that the provider did not give is the sum."""
    if usage is None:
        return None
    prompt, completed = usage.prompt_tokens or 0, usage.completion_tokens or 0
    counts: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": completed,
        "total_tokens": prompt + completed if usage.total_tokens is None else usage.total_tokens,
    }
    if usage.cached_tokens is not None:
        counts["prompt_tokens_details"] = {"cached_tokens": usage.cached_tokens}
    if usage.reasoning_tokens is not None:
        counts["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning_tokens}
    return counts


def error_of(failure: Failure) -> dict[str, Any]:
    """Return a failure as OpenAI's error object, which makes its clients raise, in a stream as well."""
    return {
        "error": {
            "message": failure.message,
            "type": failure.kind,
            "param": failure.param,
            "code": failure.code,
        }
    }


def _beside(beside: Beside) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if beside.images:
        told["images"] = [dict(image) for image in beside.images]
    if beside.annotations:
        told["annotations"] = [dict(note) for note in beside.annotations]
    return told


def _logprobs(beside: Beside) -> dict[str, Any] | None:
    if not beside.logprobs:
        return None
    return {"content": [dict(token) for token in beside.logprobs], "refusal": None}


class Chunks:
    """Words one streamed reply as chunks.

    Args:
        asked: What the client asked for.
    """

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._old = OLD_FUNCTIONS in asked.own
        self._head: dict[str, Any] = {}
        self._further: dict[int, bool] = {}  # further choice -> whether it has a finish reason
        self._before = b""
        self._after = b""

    def begin(self, stream: ReplyStream) -> bytes:
        """Return the chunk with the role, which stands before all content."""
        self._name(f"chatcmpl-{stream.request_id}", stream.model or self._asked.named)
        return self._chunk({"role": "assistant", "content": ""})

    def _name(self, request_id: str, model: str) -> None:
        self._head = {
            "id": request_id,
            "object": "chat.completion.chunk",
            "created": self._asked.created,
            "model": model,
        }
        # Most chunks hold a piece of text and nothing else: only that piece is encoded for each.
        mark = "\x00"
        self._before, _, self._after = self._chunk({"content": mark}).partition(encode(mark))

    def deltas(self, deltas: Sequence[Delta]) -> bytes:
        """Return the chunks of some deltas."""
        return b"".join(self._worded(delta) for delta in deltas)

    def _worded(self, delta: Delta) -> bytes:
        if delta.switch is not None:
            return self._switched(delta.switch)
        if delta.model is not None and delta.model != self._head["model"]:
            self._name(self._head["id"], delta.model)
        if delta.beside is None and not delta.reasoning and not delta.tool_calls:
            return self._before + encode(delta.text) + self._after if delta.text else b""
        worded = b""
        fields = self._fields(delta)
        if fields or (delta.beside is not None and delta.beside.logprobs):
            worded = self._chunk(fields, logprobs=_logprobs(delta.beside) if delta.beside else None)
        for index, further in delta.beside.choices if delta.beside is not None else ():
            own = self._fields(further)
            if own or further.finish_reason is not None:
                worded += self._opened(index)
                self._further[index] = further.finish_reason is not None
                worded += self._chunk(own, further.finish_reason, index=index)
        return worded

    def _opened(self, index: int) -> bytes:
        """Return the roles of a further choice and of those before it, where they were not sent yet.

        Clients want a role of each choice, and the official one wants the choices to begin in their order.
        """
        new = [each for each in range(1, index + 1) if each not in self._further]
        self._further.update(dict.fromkeys(new, False))
        return b"".join(self._chunk({"role": "assistant", "content": ""}, index=each) for each in new)

    def _fields(self, delta: Delta) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        beside = delta.beside
        if beside is not None and beside.refusal:
            fields["refusal"] = beside.refusal
        if delta.text and delta.text != fields.get("refusal"):
            fields["content"] = delta.text
        if delta.reasoning:
            fields["reasoning_content"] = delta.reasoning
        if delta.tool_calls:
            fields |= self._calls(delta.tool_calls)
        if beside is not None:
            fields |= _beside(beside)
            if beside.audio:
                fields["audio"] = dict(beside.audio[-1])
        return fields

    def _calls(self, pieces: Sequence[ToolCallFragment]) -> dict[str, Any]:
        if self._old or any(piece.type == "function_call" for piece in pieces):
            first = [piece for piece in pieces if piece.index == 0]
            names = [piece.name for piece in first if piece.name]
            call = {"arguments": "".join(piece.arguments for piece in first)}
            return {"function_call": {"name": names[0], **call} if names else call} if first else {}
        return {"tool_calls": [_call(piece) for piece in pieces]}

    def _switched(self, switch: Switch) -> bytes:
        if switch.kind == "restart":
            self._further.clear()
        return event_of({**self._head, "choices": [], "chat_router": {"switch": switch_of(switch)}})

    def end(self, stream: ReplyStream) -> bytes:
        """Return the chunk with the finish reason, the usage where it was asked for, and the end mark."""
        reason = finish_reason(stream.finish_reason, self._asked, calls=bool(stream.tool_calls))
        worded = self._chunk({}, reason)
        for index, ended in self._further.items():
            worded += b"" if ended else self._chunk({}, "stop", index=index)
        if stream.final_text is not None:
            worded += event_of(
                {**self._head, "choices": [], "chat_router": {"final_text": stream.final_text}}
            )
        if self._asked.counts and stream.usage is not None:
            worded += event_of({**self._head, "choices": [], "usage": usage_of(stream.usage)})
        return worded + DONE

    def failed(self, failure: Failure) -> bytes:
        """Return the error event; no end mark follows it."""
        return event_of(error_of(failure))

    def _chunk(
        self,
        delta: dict[str, Any],
        reason: str | None = None,
        *,
        index: int = 0,
        logprobs: dict[str, Any] | None = None,
    ) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        return event_of({**self._head, "choices": [choice]})


def _call(piece: ToolCallFragment) -> dict[str, Any]:
    first = piece.id is not None or piece.name is not None
    kind = piece.type or "function"
    body: dict[str, Any] = {"input" if kind == "custom" else "arguments": piece.arguments}
    if piece.name is not None:
        body = {"name": piece.name, **body}
    call: dict[str, Any] = {"index": piece.index}
    if first:
        call |= {"id": piece.id or f"call_{piece.index}", "type": kind}
    return {**call, kind: body}
