"""Messages over HTTP: one exchange, the errors, the list of models.

    POST {base_url}/v1/messages   -> server-sent events, or one JSON document though they were asked for
    GET  {base_url}/v1/models     -> {"data": [{"id"}]}, which costs no generation

What comes is told by the first byte of the body. After a stop reason it is read on until `message_stop`, the
end of the body, or a silence (`Limits.silence_after_finish`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio.lowlevel

from adapters.anthropic.stream import EventDecoder, whole
from adapters.contract import Delta, ProbeResult
from adapters.contract.errors import (
    AdapterError,
    BadReply,
    Busy,
    ConnectFailed,
    ConnectionLost,
    LocalFailure,
    Unreachable,
)
from adapters.http.reading import HEADERS, Rest, beginning, decoded, document, is_document
from adapters.http.status import wall_clock
from adapters.wire.error_body import is_page
from adapters.wire.json import encode, encode_in_steps
from adapters.wire.vendor.errors import AnswerErrors, error_from

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from typing import Any

    from adapters.contract import ChatRequest, Flow
    from adapters.http import Answer, Session, WholeAnswer

__all__ = ["converse", "explain", "reach"]

_HINT: Final = "base_url is that of Anthropic's API"
_LONG: Final = 64 << 10  # characters of messages that are encoded at once
_MODELS: Final = 1000  # of a list, kept at most
_RATES: Final = tuple(
    f"anthropic-ratelimit-{what}-{side}"
    for what in ("requests", "tokens", "input-tokens", "output-tokens")
    for side in ("limit", "remaining", "reset")
)


async def converse(
    session: Session,
    request: ChatRequest,
    body: Callable[[], dict[str, Any]],
    path: str,
    headers: tuple[tuple[str, str], ...],
) -> AsyncGenerator[Delta, None]:
    """Ask for a message, and yield it.

    Args:
        session: Of the attempt.
        request: What is asked.
        body: Makes the same in Anthropic's form.
        path: Where messages are made, below the base URL.
        headers: Which the API wants.

    Raises:
        AdapterError: A failure of the transport, a status but 200, a page, an error wherever it comes.
    """
    async with (
        session,
        session.exchange(
            "POST", path, content=await _encoded(body(), request.characters), headers=HEADERS + headers
        ) as answer,
    ):
        if answer.status != 200:
            raise await answer.failure()
        answer.alone()
        flow = request.conditions.flow
        _note(flow, answer, session.shown)
        errors = AnswerErrors(session.shown, lambda: answer.headers, wall_clock)
        chunk = await beginning(answer, _HINT)
        if is_document(chunk):
            yield await _document(session, answer, chunk, errors)
            return
        decoder = EventDecoder(session.meter, session.limits.line, session.limits.empty, errors=errors)
        while chunk:
            for delta in decoded(chunk, decoder, flow):
                yield delta
            if decoder.proved or decoder.failure is not None:
                break
            chunk = await answer.read()
        else:
            for delta in flow.hand_over(decoder.flush()):
                yield delta
        rest = Rest(answer, decoder, session.limits.silence_after_finish)
        while decoder.proved and not decoder.done and chunk and (deltas := await rest.next()):
            for delta in flow.hand_over(deltas):
                yield delta
        if decoder.done:
            answer.ended()
        if decoder.proved or decoder.failure is not None:
            yield _last(decoder, answer)


async def _encoded(body: dict[str, Any], characters: int) -> bytes:
    """Return the body, made in steps where it is long: others run between them."""
    if characters <= _LONG and len(body["messages"]) <= _MODELS:
        return encode(body)
    steps = encode_in_steps(body)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            encoded: bytes = done.value
            return encoded
        await anyio.lowlevel.checkpoint()


async def _document(session: Session, answer: Answer, start: bytes, errors: AnswerErrors) -> Delta:
    """Return the one delta of a message that comes as a JSON document.

    Raises:
        AdapterError: The document is an error object, no message, or cut.
    """

    def read(data: bytes) -> Delta:
        return whole(data, session.meter, errors=errors)

    return await document(answer, start, session.limits.reply, read)


def _last(decoder: EventDecoder, answer: Answer) -> Delta:
    """Return the delta that proves the end.

    Raises:
        AdapterError: An error came, or the reply is empty.
    """
    try:
        if decoder.failure is not None:
            raise decoder.failure
        return decoder.last()
    except AdapterError as failure:
        failure.request_id = failure.request_id or answer.header("request-id")
        raise answer.located(failure) from None


def explain(answer: WholeAnswer, shown: Callable[[str, int], str]) -> AdapterError | None:
    """Return the error that the body of a failed answer stands for, or None where it has no words for it."""
    body = answer.body.strip()
    if not body or not 400 <= answer.status < 600:
        return None
    error = error_from(body, answer.status, lambda text: shown(text, 300), now=wall_clock())
    said = "an HTML page" if is_page(body) else error
    error.args = (f"{answer.where} answered {answer.status}: {said}",)
    if (request_id := answer.header("request-id")) is not None:
        error.request_id = shown(request_id, 100)
    return error


async def reach(session: Session, path: str, headers: tuple[tuple[str, str], ...]) -> ProbeResult:
    """Ask for the list of models, which costs no generation. A list that is refused or odd shows nothing.

    A key may be allowed to chat and not to list models, and services with this API may have no list; only
    that the service could not be reached is a finding against it.

    Raises:
        AdapterError: The service could not be reached.
    """
    try:
        answer = await session.ask(
            "GET", path, headers=headers, query={"limit": str(_MODELS)}, ok=(200, 404, 405)
        )
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
    models = listed.get("data") if isinstance(listed, dict) else None
    if not isinstance(models, list):
        raise BadReply(
            f"{answer.where}: not a list of models; check that base_url is that of Anthropic's API",
            status=200,
        )
    ids = (m["id"] for m in models[:_MODELS] if isinstance(m, dict) and isinstance(m.get("id"), str))
    names = tuple(session.shown(model, 100) for model in ids)
    if listed.get("object") == "list":  # there both APIs are served, or only the other one
        return ProbeResult(None, "it lists its models as OpenAI's API does", models=names)
    return ProbeResult(True, "it lists its models", models=names)


def _note(flow: Flow, answer: Answer, shown: Callable[[str, int], str]) -> None:
    """Tell the router the service's id of the request, and what it says about its rate limits."""
    request_id = answer.header("request-id") or answer.header("x-request-id")
    if request_id is not None:
        flow.request_id = shown(request_id, 100)
    rates = {name: value for name in _RATES if (value := answer.header(name)) is not None}
    if rates:
        flow.rate_limits = {name: shown(value, 100) for name, value in rates.items()}
