"""A streamed reply as the events of the Responses API: https://platform.openai.com/docs/api-reference/responses-streaming.

    response.created, response.in_progress
    reasoning   output_item.added, reasoning_summary_part.added, …_text.delta, …_text.done, …_part.done,
                output_item.done
    text        output_item.added, content_part.added, output_text.delta, output_text.done,
                content_part.done, output_item.done
    a call      output_item.added, function_call_arguments.delta, function_call_arguments.done,
                output_item.done
    response.completed, or response.incomplete where a limit of tokens ended the reply

Items have numbers in the order in which they begin. One of text or reasoning is open at a time. A call stays
open until its arguments are a JSON object or the reply ends, since a few services send several calls in turn.
A failure is told twice: by `response.failed`, which is the API's own word but raises nothing in the official
client, and by an event with an `error`, which does raise. A switch of providers is told in
`response.in_progress`, in the extra field `chat_router`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.wire.json import encode
from router.gateway.dialects.chat.reply import error_of
from router.gateway.dialects.events import StreamedCall, event_of, named_event
from router.gateway.dialects.responses.reply import (
    annotations_of,
    call_id,
    call_item,
    ending_of,
    head_of,
    item_id,
    message_item,
    reasoning_item,
    status_of,
    summary_part,
    text_part,
    told,
    usage_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from adapters.contract import Delta, Switch, ToolCallFragment
    from router.gateway.asked import Asked
    from router.gateway.failure import Failure
    from router.reply.stream import ReplyStream


class _Item:
    """The open item of text or reasoning."""

    __slots__ = ("id", "notes", "pieces", "place", "reasons")

    def __init__(self, identity: str, place: int, *, reasons: bool) -> None:
        self.id = identity
        self.place = place
        self.reasons = reasons
        self.pieces: list[str] = []
        self.notes: list[Mapping[str, Any]] = []


class ResponseWriter:
    """Words one streamed reply as the events of a response; see `Writer`.

    Args:
        asked: What the client asked for.
    """

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._request_id = ""
        self._response: dict[str, Any] = {}
        self._output: list[dict[str, Any]] = []  # by number; as far as each item is told
        self._void = 0  # how many of them a restart made void
        self._events = 0
        self._open: _Item | None = None
        self._calls: dict[int, StreamedCall] = {}
        self._switches: list[Switch] = []

    def begin(self, stream: ReplyStream) -> bytes:
        """Return the two events that stand before all content."""
        self._request_id = stream.request_id
        self._response = head_of(self._asked, stream.request_id, stream.model)
        return self._of_response("response.created") + self._of_response("response.in_progress")

    def deltas(self, deltas: Sequence[Delta]) -> bytes:
        """Return the events of some deltas."""
        return b"".join([self._worded(delta) for delta in deltas])

    def _worded(self, delta: Delta) -> bytes:
        if delta.switch is not None:
            return self._switched(delta.switch)
        worded = b""
        if delta.model is not None:
            self._response["model"] = delta.model
        if delta.reasoning:
            worded += self._piece(delta.reasoning, reasons=True)
        if delta.text:
            worded += self._piece(delta.text, reasons=False)
        if delta.beside is not None and self._open is not None and not self._open.reasons:
            self._open.notes += annotations_of(delta.beside.annotations)
        for piece in delta.tool_calls:
            worded += self._call(piece)
        return worded

    def _piece(self, text: str, *, reasons: bool) -> bytes:
        begun = b""
        item = self._open
        if item is None or item.reasons is not reasons:
            begun, item = self._begin_item(reasons=reasons)
        item.pieces.append(text)
        if reasons:
            kind = "response.reasoning_summary_text.delta"
            return begun + self._event(
                kind, item_id=item.id, output_index=item.place, summary_index=0, delta=text
            )
        return begun + self._text_delta(item, text)

    def _text_delta(self, item: _Item, text: str) -> bytes:
        # Most deltas hold a piece of text and nothing else: only that piece is encoded for each.
        self._events += 1
        return (
            b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta",'
            b'"sequence_number":%d,"item_id":%b,"output_index":%d,"content_index":0,"logprobs":[],"delta":%b}\n\n'
            % (self._events - 1, encode(item.id), item.place, encode(text))
        )

    def _begin_item(self, *, reasons: bool) -> tuple[bytes, _Item]:
        ended = self._end_item() + self._end_whole_calls()
        place = len(self._output)
        identity = item_id("rs" if reasons else "msg", self._request_id, place)
        self._open = item = _Item(identity, place, reasons=reasons)
        if reasons:
            empty = {**reasoning_item(identity, ""), "summary": [], "status": "in_progress"}
            kind, part = "response.reasoning_summary_part.added", summary_part("")
        else:
            empty = {**message_item(identity, "", "in_progress"), "content": []}
            kind, part = "response.content_part.added", text_part("")
        self._output.append(empty)
        where = {"item_id": identity, "output_index": place, _number(reasons=reasons): 0}
        added = self._event("response.output_item.added", output_index=place, item=empty)
        return ended + added + self._event(kind, **where, part=part), item

    def _end_item(self, status: str = "completed") -> bytes:
        """Return the end of the open item of text or reasoning, if there is one."""
        item, self._open = self._open, None
        if item is None:
            return b""
        text = "".join(item.pieces)
        where = {"item_id": item.id, "output_index": item.place, _number(reasons=item.reasons): 0}
        if item.reasons:
            whole, part = reasoning_item(item.id, text), summary_part(text)
            done = self._event("response.reasoning_summary_text.done", **where, text=text)
            done += self._event("response.reasoning_summary_part.done", **where, part=part)
        else:
            whole, part = message_item(item.id, text, status, item.notes), text_part(text, item.notes)
            done = self._event("response.output_text.done", **where, text=text, logprobs=[])
            done += self._event("response.content_part.done", **where, part=part)
        return done + self._item_done(item.place, whole)

    def _item_done(self, place: int, item: dict[str, Any]) -> bytes:
        self._output[place] = item
        return self._event("response.output_item.done", output_index=place, item=item)

    def _call(self, piece: ToolCallFragment) -> bytes:
        call = self._calls.get(piece.index)
        if call is None:
            call = self._calls[piece.index] = StreamedCall(call_id(self._request_id, piece.index))
        if call.ended:
            return b""  # it was a whole object: only white space can follow that is JSON
        call.add(piece)
        if call.place is not None:
            return self._arguments(call, piece.arguments)
        return b"" if call.name is None else self._begin_call(call, call.name)

    def _begin_call(self, call: StreamedCall, name: str) -> bytes:
        ended = self._end_item() + self._end_whole_calls()
        call.place, call.name = len(self._output), name
        item = self._item_of(call, "", "in_progress")
        self._output.append(item)
        added = self._event("response.output_item.added", output_index=call.place, item=item)
        return ended + added + self._arguments(call, call.text)

    def _item_of(self, call: StreamedCall, arguments: str, status: str) -> dict[str, Any]:
        identity = item_id("fc", self._request_id, call.place or 0)
        return call_item(identity, call.id, call.name or "unknown", arguments, status)

    def _arguments(self, call: StreamedCall, piece: str) -> bytes:
        if not piece or call.place is None:
            return b""
        identity = self._output[call.place]["id"]
        kind = "response.function_call_arguments.delta"
        return self._event(kind, item_id=identity, output_index=call.place, delta=piece)

    def _end_whole_calls(self) -> bytes:
        ended = b""
        for call in self._calls.values():
            if not call.ended and call.place is not None and call.is_whole:
                ended += self._end_call(call, call.place)
        return ended

    def _end_call(self, call: StreamedCall, place: int) -> bytes:
        call.ended = True
        item = self._item_of(call, call.text, "completed")
        kind = "response.function_call_arguments.done"
        done = self._event(
            kind, item_id=item["id"], output_index=place, name=item["name"], arguments=item["arguments"]
        )
        return done + self._item_done(place, item)

    def _end_calls(self) -> bytes:
        ended = b""
        for call in self._calls.values():
            if call.place is None:  # nobody ever named it
                ended += self._begin_call(call, "unknown")
            if not call.ended:
                ended += self._end_call(call, call.place or 0)
        return ended

    def _switched(self, switch: Switch) -> bytes:
        self._switches.append(switch)
        ended = b""
        # There is no call to end: a reply that holds a piece of one is never taken over.
        if switch.kind == "restart":
            ended = self._end_item("incomplete")
            self._void = len(self._output)
        elif self._open is not None and self._open.reasons:
            ended = self._end_item()
        return ended + self._of_response("response.in_progress")

    def end(self, stream: ReplyStream) -> bytes:
        """Return the end of what is open, and of the response."""
        reason = stream.finish_reason
        begun = b""
        if not self._output[self._void :] and not self._calls:  # a message without text
            begun, _ = self._begin_item(reasons=False)
        worded = begun + self._end_item(status_of(reason)) + self._end_calls()
        self._response |= ending_of(self._asked, reason)
        self._response["usage"] = usage_of(stream.usage)
        return worded + self._of_response(f"response.{self._response['status']}")

    def failed(self, failure: Failure) -> bytes:
        """Return the two events of a failure; only the second makes the official client raise."""
        error = error_of(failure)
        code = "rate_limit_exceeded" if failure.status == 429 else "server_error"
        self._response |= {"status": "failed", "error": {"code": code, "message": failure.message}}
        failed = self._of_response("response.failed") if "id" in self._response else b""
        return failed + event_of(error)

    def _of_response(self, kind: str) -> bytes:
        response = told({**self._response, "output": self._output[self._void :]}, self._switches)
        return self._event(kind, response=response)

    def _event(self, kind: str, **fields: Any) -> bytes:
        number, self._events = self._events, self._events + 1
        return named_event({"type": kind, "sequence_number": number, **fields})


def _number(*, reasons: bool) -> str:
    return "summary_index" if reasons else "content_index"
