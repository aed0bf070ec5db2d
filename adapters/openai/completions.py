"""Chat completions of OpenAI's kind over HTTP: one exchange, the errors, the list of models.

    POST {base_url}/chat/completions  -> server-sent events, or one JSON document though they were asked for
    GET  {base_url}/models            -> {"data": [{"id"}]}

What comes is told by the first byte of the body, never by its content type. A `finish_reason` or `[DONE]`
proves the end. The usage comes after the `finish_reason`, so the last delta waits for it, but no longer than
`Limits.drain_seconds`: some servers keep the connection open after it and say nothing more.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import anyio

from adapters.contract import OPTIONS, Capabilities, Delta, ProbeResult
from adapters.contract.delta import together
from adapters.contract.errors import (
    AdapterError,
    BadReply,
    Busy,
    ConnectFailed,
    ConnectionLost,
    LocalFailure,
    ReplyTooLarge,
    Unreachable,
)
from adapters.openai.codec import ChunkDecoder, error_from, request_body, whole
from adapters.wire.error_body import is_page
from adapters.wire.json import decode

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from adapters.contract import ChatRequest, Flow
    from adapters.http import Answer, HTTPAdapter, Session, WholeAnswer

CAPABILITIES: Final = Capabilities(
    tools=True, images=True, options=OPTIONS - {"repetition_penalty", "top_k", "typical_p"}
)
"""What OpenAI's protocol can carry."""

_HEADERS: Final = (("content-type", "application/json"), ("accept", "text/event-stream, application/json"))
_BLANK: Final = b"\xef\xbb\xbf \t\r\n"
_TAIL: Final = 64  # bytes at the end of a document in which its line ends are looked for
_RATES: Final = tuple(
    f"x-ratelimit-{what}-{unit}"
    for what in ("limit", "remaining", "reset")
    for unit in ("requests", "tokens")
)
_MODELS: Final = 1000  # of a list, kept at most


async def converse(
    adapter: HTTPAdapter, session: Session, request: ChatRequest
) -> AsyncGenerator[Delta, None]:
    """Ask for a completion, and yield it.

    Raises:
        AdapterError: A failure of the transport, a status but 200, a page, an error object wherever it comes.
    """
    async with (
        session,
        session.exchange(
            "POST", "/chat/completions", content=_body(adapter, request), headers=_HEADERS
        ) as answer,
    ):
        if answer.status not in (200, 201):
            raise await answer.failure()
        answer.alone()
        _note(request.conditions.flow, answer, session.shown)
        chunk = await _beginning(answer)
        if chunk is not None and chunk.lstrip(_BLANK)[:1] in (b"{", b"["):
            yield await _document(session, answer, chunk, _choices(request))
            return
        decoder = ChunkDecoder(
            session.meter,
            session.limits.line,
            session.limits.empty,
            choices=_choices(request),
            shown=session.shown,
        )
        while chunk is not None:
            deltas = decoder.feed(chunk)
            if decoder.proved or decoder.failure is not None:
                break
            for delta in request.conditions.flow.hand_over(deltas):
                yield delta
            chunk = await anext(answer.chunks(), None)
        else:
            deltas = decoder.flush()
        rest = [_without_end(delta) for delta in deltas if delta.has_content]
        for delta in request.conditions.flow.hand_over(rest):
            yield delta
        after = await _after(session, answer, decoder) if decoder.proved and chunk is not None else []
        if decoder.failure is not None:
            raise answer.located(decoder.failure)
        if decoder.proved:
            yield _last(deltas, after)


async def _beginning(answer: Answer) -> bytes | None:
    """Return the body up to its first chunk that is not blank, or None where there is nothing else.

    Raises:
        BadReply: It is a page.
    """
    start = b""
    async for chunk in answer.chunks():
        start += chunk
        if start.lstrip(_BLANK):
            break
        start = start[-len(_BLANK) :]  # blanks say nothing; a mark of byte order may be cut
    first = start.lstrip(_BLANK)
    if first[:1] == b"<":
        raise BadReply(
            f"{answer.where}: a page with status 200; check that base_url is that of the API "
            "(it often ends in /v1)",
            status=answer.status,
        )
    return start if first else None


async def _document(session: Session, answer: Answer, start: bytes, choices: int) -> Delta:
    """Return the one delta of a completion that comes as a JSON document.

    Raises:
        AdapterError: The document is an error object, no completion, or cut.
    """
    data, limit, worth = bytearray(start), session.limits.reply, 0
    while len(data) <= limit:
        # The document may be whole though the body goes on; trying after each doubling only stays linear.
        if data[-_TAIL:].rstrip().endswith((b"}", b"]")) and len(data) >= worth:
            with suppress(BadReply):
                delta = _whole(session, answer, bytes(data), choices)
                answer.ended()
                return delta
            worth = 2 * len(data)
        chunk = await anext(answer.chunks(), None)
        if chunk is None:
            return _whole(session, answer, bytes(data), choices)
        data += chunk
    raise ReplyTooLarge(f"{answer.where}: the body is over {limit} bytes (Limits.reply)")


def _whole(session: Session, answer: Answer, data: bytes, choices: int) -> Delta:
    try:
        [delta] = whole(data, session.meter, choices=choices, shown=session.shown)
    except AdapterError as error:
        raise answer.located(error) from None
    return delta


async def _after(session: Session, answer: Answer, decoder: ChunkDecoder) -> list[Delta]:
    """Return what still comes after the `finish_reason`: the usage, as a rule, and `[DONE]`."""
    deltas: list[Delta] = []
    # The reply is complete: what the transport does to the rest of the body does not matter any more.
    with anyio.move_on_after(session.limits.drain_seconds), suppress(AdapterError):
        while not decoder.done and decoder.failure is None:
            chunk = await anext(answer.chunks(), None)
            if chunk is None:
                deltas += decoder.flush()
                break
            deltas += decoder.feed(chunk)
    if decoder.done:
        answer.ended()
    return deltas


def _without_end(delta: Delta) -> Delta:
    if delta.is_last or delta.usage is not None:
        return replace(delta, finish_reason=None, usage=None, ends=False)
    return delta


def _last(deltas: list[Delta], after: list[Delta]) -> Delta:
    """Return the delta that proves the end: the content of `deltas` is delivered, that of `after` is not."""
    every = deltas + after
    return Delta(
        text="".join(d.text for d in after),
        reasoning="".join(d.reasoning for d in after),
        tool_calls=tuple(call for d in after for call in d.tool_calls),
        finish_reason=next((d.finish_reason for d in every if d.finish_reason is not None), None),
        usage=next((d.usage for d in reversed(every) if d.usage is not None), None),
        beside=together(d.beside for d in (*(d for d in deltas if not d.has_content), *after)),
        model=next(
            (d.model for d in every if d.model is not None and (d in after or not d.has_content)), None
        ),
        ends=True,
    )


def explain(answer: WholeAnswer, shown: Callable[[str], str]) -> AdapterError | None:
    """Return the error that the body of a failed answer stands for, or None where it has no words for it."""
    body = answer.body.strip()
    if not body or not 400 <= answer.status < 600 or is_page(body):
        return None
    payload: Any
    try:
        payload = decode(body)
    except BadReply:
        payload = body.decode("utf-8", "replace")
    error = error_from(payload, answer.status, shown)
    error.args = (f"{answer.where} answered {answer.status}: {error}",)
    return error


async def reach(session: Session) -> ProbeResult:
    """Ask for the list of models, which costs no generation. A list that is refused or odd shows nothing.

    A key may be allowed to chat and not to list models, and a relay may have no list; only that the service
    could not be reached is a finding against it.

    Raises:
        AdapterError: The service could not be reached.
    """
    try:
        answer = await session.ask("GET", "/models", ok=(200, 404, 405))
        return _listed(session, answer)
    except (ConnectFailed, ConnectionLost, Unreachable, LocalFailure, Busy):
        raise
    except AdapterError as error:
        text = f"it answers, but its list of models was refused or is odd; not asked for an answer: {error}"
        return ProbeResult(None, text, error=error.with_traceback(None))


def _listed(session: Session, answer: WholeAnswer) -> ProbeResult:
    if answer.status != 200:
        return ProbeResult(None, f"it answers, but has no list of models (status {answer.status})")
    listed = answer.json()
    if isinstance(listed, dict):
        listed = listed.get("data")
    if not isinstance(listed, list):
        raise BadReply(
            f"{answer.where}: not a list of models; check that base_url is that of the API", status=200
        )
    ids = (m["id"] for m in listed[:_MODELS] if isinstance(m, dict) and isinstance(m.get("id"), str))
    return ProbeResult(True, "it lists its models", models=tuple(session.shown(model, 100) for model in ids))


def _body(adapter: HTTPAdapter, request: ChatRequest) -> bytes:
    return request_body(
        adapter.model_for(request),
        request.messages,
        request.options_for(adapter.capabilities.options),
        request.extra.get(adapter.name, {}),
        provider=adapter.name,
    )


def _choices(request: ChatRequest) -> int:
    """Return how many replies were asked for."""
    return int(request.options.get("n", 1))


def _note(flow: Flow, answer: Answer, shown: Callable[[str, int], str]) -> None:
    """Tell the router the service's id of the request, and what it says about its rate limits."""
    if (request_id := answer.header("x-request-id")) is not None:
        flow.request_id = shown(request_id, 100)
    rates = {name: value for name in _RATES if (value := answer.header(name)) is not None}
    if rates:
        flow.rate_limits = {name: shown(value, 100) for name, value in rates.items()}
