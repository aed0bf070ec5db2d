"""A streamed reply as the events of Anthropic's API: https://platform.claude.com/docs/en/build-with-claude/streaming.

    message_start, then for each block content_block_start, content_block_delta, content_block_stop,
    then message_delta, message_stop

Blocks have numbers in the order in which they begin. One of text or thinking is open at a time. A call stays
open until its input is a JSON object or the reply ends, since a few services send several calls in turn; the
official clients keep events apart by the number of the block. A switch of providers is told in a `ping`, in
the extra field `chat_router`: every client skips that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.wire.json import encode
from router.gateway.dialects.events import StreamedCall, named_event, switch_of
from router.gateway.dialects.messages.errors import error_of
from router.gateway.dialects.messages.reply import call_id, head_of, stop_of, thinking_of, usage_of
from router.gateway.dialects.messages.signatures import Origin, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adapters.contract import Beside, Delta, Switch, ToolCallFragment
    from router.gateway.asked import Asked
    from router.gateway.failure import Failure
    from router.reply.stream import ReplyStream


class MessageWriter:
    """Words one streamed reply as the events of a message; see `Writer`.

    Args:
        asked: What the client asked for.
    """

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._request_id = ""
        self._provider = ""
        self._field = ""  # in which the provider wants plain reasoning back
        self._extra: dict[str, Any] = {}
        self._blocks = 0
        self._open: str | None = None  # `text` or `thinking`: the kind of the block that was begun last
        self._before = self._after = b""  # of a piece of text of the open block
        self._calls: dict[int, StreamedCall] = {}

    def begin(self, stream: ReplyStream) -> bytes:
        """Return the start of the message."""
        self._request_id = stream.request_id
        # Some deltas may have been read already, a switch among them; they are worded from the beginning.
        self._provider = stream.switches[0].left if stream.switches else stream.provider
        message = {
            **head_of(stream.request_id, stream.model or self._asked.named),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_of(stream.usage, {}),
        }
        return named_event({"type": "message_start", "message": message})

    def deltas(self, deltas: Sequence[Delta]) -> bytes:
        """Return the events of some deltas."""
        return b"".join([self._worded(delta) for delta in deltas])

    def _worded(self, delta: Delta) -> bytes:
        if delta.switch is not None:
            return self._switched(delta.switch)
        worded = b""
        if delta.reasoning:
            worded += self._thinking(delta.reasoning)
        if delta.beside is not None:
            worded += self._beside(delta.beside)
        if delta.text:
            worded += self._text(delta.text)
        for piece in delta.tool_calls:
            worded += self._call(piece)
        return worded

    def _text(self, text: str) -> bytes:
        begun = b""
        if self._open != "text":
            begun = self._begin("text", {"type": "text", "text": ""})
            # Most deltas hold a piece of text and nothing else: only that piece is encoded for each.
            mark = "\x00"
            shape = self._delta(self._blocks - 1, {"type": "text_delta", "text": mark})
            self._before, _, self._after = shape.partition(encode(mark))
        return begun + self._before + encode(text) + self._after

    def _thinking(self, text: str) -> bytes:
        begun = b""
        if self._open != "thinking":
            begun = self._begin("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        return begun + self._delta(self._blocks - 1, {"type": "thinking_delta", "thinking": text})

    def _beside(self, beside: Beside) -> bytes:
        self._extra |= beside.extra
        self._field = beside.reasoning_field or self._field
        worded = b""
        for detail in beside.reasoning_details:
            block = thinking_of(detail, self._provider)
            if block is None:
                continue
            if block["type"] == "redacted_thinking":
                worded += self._begin(None, block) + self._stop(self._blocks - 1)
                continue
            if self._open != "thinking" and block["thinking"]:
                # Its text came in a block that was ended: it is only worth something beside its signature.
                worded += self._thinking(block["thinking"])
            elif self._open != "thinking":
                worded += self._begin("thinking", {"type": "thinking", "thinking": "", "signature": ""})
            worded += self._close(block["signature"])
        return worded

    def _begin(self, kind: str | None, block: dict[str, Any]) -> bytes:
        """Return the end of what is over, and the start of another block."""
        ended, self._open = self._close(), kind
        for call in self._calls.values():
            if not call.ended and call.place is not None and call.is_whole:
                ended += self._end_call(call)
        start = {"type": "content_block_start", "index": self._blocks, "content_block": block}
        self._blocks += 1
        return ended + named_event(start)

    def _close(self, signature: str | None = None) -> bytes:
        """Return the end of the open block of text or thinking, if there is one."""
        kind, self._open = self._open, None
        if kind is None:
            return b""
        signed = b""
        if kind == "thinking":
            signature = signature or written(Origin(self._provider, field=self._field))
            if signature:
                signed = self._delta(self._blocks - 1, {"type": "signature_delta", "signature": signature})
        return signed + self._stop(self._blocks - 1)

    def _delta(self, index: int, delta: dict[str, Any]) -> bytes:
        return named_event({"type": "content_block_delta", "index": index, "delta": delta})

    def _stop(self, index: int) -> bytes:
        return named_event({"type": "content_block_stop", "index": index})

    def _call(self, piece: ToolCallFragment) -> bytes:
        call = self._calls.get(piece.index)
        if call is None:
            call = self._calls[piece.index] = StreamedCall(call_id(self._request_id, piece.index))
        if call.ended:
            return b""  # it was a whole object: only white space can follow that is JSON
        call.add(piece)
        if call.place is not None:
            return self._input(call, piece.arguments)
        if call.name is None:
            return b""
        return self._begin_call(call, call.name)

    def _begin_call(self, call: StreamedCall, name: str) -> bytes:
        block = {"type": "tool_use", "id": call.id, "name": name, "input": {}}
        begun = self._begin(None, block)
        call.place = self._blocks - 1
        return begun + self._input(call, call.text)

    def _input(self, call: StreamedCall, piece: str) -> bytes:
        if not piece or call.place is None:
            return b""
        return self._delta(call.place, {"type": "input_json_delta", "partial_json": piece})

    def _end_call(self, call: StreamedCall) -> bytes:
        if call.ended or call.place is None:
            return b""
        call.ended = True
        return self._stop(call.place)

    def _switched(self, switch: Switch) -> bytes:
        ended = b""
        # There is no call to end: a reply that holds a piece of one is never taken over.
        if self._open == "thinking" or switch.kind == "restart":
            ended = self._close()
        self._provider, self._field, self._extra = switch.taken_by, "", {}
        return ended + named_event({"type": "ping", "chat_router": {"switch": switch_of(switch)}})

    def end(self, stream: ReplyStream) -> bytes:
        """Return the end of what is open, why the message ended, its usage, and the end mark."""
        worded = self._close()
        for call in self._calls.values():
            if call.place is None:  # nobody ever named it
                worded += self._begin_call(call, "unknown")
            worded += self._end_call(call)
        reason, sequence = stop_of(stream.finish_reason, self._extra, calls=bool(self._calls))
        worded += named_event(
            {
                "type": "message_delta",
                "delta": {"stop_reason": reason, "stop_sequence": sequence},
                "usage": usage_of(stream.usage, self._extra),
            }
        )
        return worded + named_event({"type": "message_stop"})

    def failed(self, failure: Failure) -> bytes:
        """Return the event that makes the official clients raise."""
        return named_event(error_of(failure))
