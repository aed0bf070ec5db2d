"""Chat completions of OpenAI's kind over HTTP: one exchange, the errors, the list of models.

    POST {base_url}/chat/completions  -> server-sent events, or one JSON document though they were asked for
    GET  {base_url}/models            -> {"data": [{"id"}]}

What comes is told by the first byte of the body, never by its content type. A `finish_reason` or `[DONE]`
proves the end. The usage comes after the `finish_reason`, and so may text and tool calls: what comes is
handed on as it comes, until `[DONE]`, the end of the body, or a silence (`Limits.silence_after_finish`),
since some servers keep the connection open and say nothing more. Finish reason and usage are in the last
delta.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio.lowlevel

from adapters.contract import OPTIONS, Capabilities, Delta, ProbeResult
from adapters.contract.errors import (
    AdapterError,
    BadReply,
    Busy,
    ConnectFailed,
    ConnectionLost,
    LocalFailure,
    Unreachable,
)
from adapters.contract.rewriting import rewritten
from adapters.http.reading import HEADERS, Rest, beginning, decoded, document, is_document
from adapters.http.status import wall_clock
from adapters.openai.codec import (
    ChunkDecoder,
    messages_body,
    messages_body_in_steps,
    request_body,
    request_body_in_steps,
    whole,
)
from adapters.openai.dialect import USUAL, Dialect
from adapters.openai.model_list import context_of
from adapters.wire.error_body import is_page
from adapters.wire.vendor.errors import AnswerErrors, error_from

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator

    from adapters.contract import ChatRequest, Flow
    from adapters.http import Answer, HTTPAdapter, Session, WholeAnswer

CAPABILITIES: Final = Capabilities(
    tools=True, images=True, options=OPTIONS - {"repetition_penalty", "top_k", "typical_p"}
)
"""What OpenAI's protocol can carry."""

_HINT: Final = "base_url is that of the API (it often ends in /v1)"
_MANY: Final = 5000  # messages that are encoded at once, in a millisecond or two
_LONG: Final = 1 << 20  # characters of all of them
_SHORT: Final = 8 << 10  # characters of all of them that cost less to encode again than to keep
_PROTOCOL: Final = "openai"
_ID: Final = "x-request-id"
_NOTED: Final = {_ID.encode(): _ID} | {
    f"x-ratelimit-{what}-{unit}".encode(): f"x-ratelimit-{what}-{unit}"
    for what in ("limit", "remaining", "reset")
    for unit in ("requests", "tokens")
}
_MODELS: Final = 1000  # of a list, kept at most


async def converse(
    adapter: HTTPAdapter, session: Session, request: ChatRequest, dialect: Dialect = USUAL
) -> AsyncGenerator[Delta, None]:
    """Ask for a completion, and yield it.

    Args:
        adapter: Who asks.
        session: Of the attempt.
        request: What to ask.
        dialect: What the service wants differently from OpenAI.

    Raises:
        AdapterError: A failure of the transport, a status but 200, a page, an error object wherever it comes.
    """
    async with session:
        answer = _asked(session, await _body(adapter, request, dialect), dialect)
        await answer.ask()
        flow = request.conditions.flow
        decoder = _decoder(session, request, answer)  # while the service works
        async with answer:
            if answer.status not in (200, 201):
                raise await answer.failure()
            answer.alone()
            _note(flow, answer, session.shown)
            chunk = await beginning(answer, _HINT)
            if is_document(chunk):
                said, failure = await _document(session, answer, chunk, _choices(request), decoder.errors)
                if failure is None or said.has_content:
                    yield said
                if failure is not None:
                    raise answer.located(failure)
                return
            while chunk:
                for delta in decoded(chunk, decoder, flow):
                    yield delta
                if decoder.proved or decoder.failure is not None:
                    break
                chunk = await answer.read()
            else:
                for delta in flow.hand_over(decoder.flush()):
                    yield delta
            if not decoder.done and chunk and decoder.proved:
                rest = Rest(answer, decoder, session.limits.silence_after_finish)
                while not decoder.done and (deltas := await rest.next()):
                    for delta in flow.hand_over(deltas):
                        yield delta
            if decoder.done:
                answer.ended()
            if decoder.done or decoder.proved or decoder.failure is not None:
                yield _last(decoder, answer)


def _asked(session: Session, body: bytes, dialect: Dialect) -> Answer:
    """Return the exchange that asks for a completion."""
    query = dialect.query or None
    return session.exchange("POST", "/chat/completions", content=body, headers=HEADERS, query=query)


def _decoder(session: Session, request: ChatRequest, answer: Answer) -> ChunkDecoder:
    """Return the decoder of an answer that is still to come."""
    limits = session.limits
    errors = AnswerErrors(session.shown, lambda: answer.headers, wall_clock)
    return ChunkDecoder(session.meter, limits.line, limits.empty, _choices(request), errors)


async def _document(
    session: Session, answer: Answer, start: bytes, choices: int, errors: AnswerErrors
) -> tuple[Delta, AdapterError | None]:
    """Return the one delta of a completion that comes as a JSON document, and what failed behind it.

    Raises:
        AdapterError: The document is an error object, no completion, or cut.
    """

    def read(data: bytes) -> tuple[Delta, AdapterError | None]:
        return whole(data, session.meter, choices=choices, errors=errors)

    return await document(answer, start, session.limits.reply, read)


def _last(decoder: ChunkDecoder, answer: Answer) -> Delta:
    """Return the delta that proves the end.

    Raises:
        AdapterError: An error came, or the finish reason names a failure.
    """
    try:
        if decoder.failure is not None:
            raise decoder.failure
        return decoder.last()
    except AdapterError as failure:
        raise answer.located(failure) from None


def explain(answer: WholeAnswer) -> AdapterError | None:
    """Return the error that the body of a failed answer stands for, or None where it has no words for it."""
    body = answer.body.strip()
    if not body or not 400 <= answer.status < 600:
        return None
    error = error_from(body, answer.status, answer.shown, now=wall_clock())
    said = "an HTML page" if is_page(body) else error
    error.args = (f"{answer.where} answered {answer.status}: {said}",)
    return error


async def reach(session: Session, dialect: Dialect = USUAL) -> ProbeResult:
    """Ask for the list of models, which costs no generation. A list that is refused or odd shows nothing.

    A key may be allowed to chat and not to list models, and a relay may have no list; only that the service
    could not be reached is a finding against it. Where it has no list, its address for completions is asked
    by GET, which generates nothing either.

    Raises:
        AdapterError: The service could not be reached.
    """
    try:
        path = dialect.models_path or "/chat/completions"
        answer = await session.ask("GET", path, query=dialect.query or None, ok=(200, 404, 405))
        if not dialect.models_path:
            return ProbeResult(None, f"it answers (status {answer.status}), and has no list of models")
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
    named = [m for m in listed[:_MODELS] if isinstance(m, dict) and isinstance(m.get("id"), str)]
    names = [session.shown(m["id"], 100) for m in named]
    found = {name: size for name, m in zip(names, named, strict=True) if (size := context_of(m)) is not None}
    return ProbeResult(True, "it lists its models", models=tuple(names), context_tokens=found)


async def _body(adapter: HTTPAdapter, request: ChatRequest, dialect: Dialect = USUAL) -> bytes:
    """Return the body, made in steps where it is long: others run between them."""
    model = adapter.model_for(request)
    able = adapter.capabilities.of(model)
    if not able.takes_as_given:  # a router has done this; without one it is done here
        words, told = rewritten(request.messages, able, request.traits)
        request = request.with_messages(words) if told else request
    messages = request.messages
    options = request.options_for(able.options)
    extra = request.extra.get(adapter.name, {})
    traits = request.traits
    at_once = len(messages) <= _MANY and traits.characters <= _LONG and not traits.parts
    name, stream = adapter.name, dialect.stream
    if at_once and traits.characters <= _SHORT:
        return request_body(model, messages, options, extra, stream, name, dialect)
    if [m for m in messages if m.kept]:  # each provider gets its own form of them
        return await _in_steps(request_body_in_steps(model, messages, options, extra, stream, name, dialect))
    encoded = request.encoded(_PROTOCOL)
    if encoded is None:
        if at_once:
            encoded = messages_body(messages)
        else:
            encoded = await _in_steps(messages_body_in_steps(messages))
            await anyio.lowlevel.checkpoint()
        request.keep_encoded(_PROTOCOL, encoded)
    return request_body(model, encoded, options, extra, stream, dialect=dialect)


async def _in_steps(steps: Generator[None, None, bytes]) -> bytes:
    while True:
        try:
            next(steps)
        except StopIteration as done:
            body: bytes = done.value
            return body
        await anyio.lowlevel.checkpoint()


def _choices(request: ChatRequest) -> int:
    """Return how many replies were asked for."""
    return int(request.options.get("n", 1))


def _note(flow: Flow, answer: Answer, shown: Callable[[str, int], str]) -> None:
    """Tell the router the service's id of the request, and what it says about its rate limits."""
    if said := answer.values_of(_NOTED):
        noted = {name: shown(value, 100) for name, value in said.items()}
        if _ID in noted:
            flow.request_id = noted.pop(_ID)
        if noted:
            flow.rate_limits = noted
