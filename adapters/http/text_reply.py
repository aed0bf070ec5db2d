"""One exchange whose reply is the bare text of the body; Aura and the old ChatAnywhere speak so.

What the content type says of the body decides first:

    none at all                                  text; the services' own servers write it so
    text/plain and other kinds of text, bytes    text, unless it begins as a page or an error does
    text/html, application/json, a PDF, …        no reply: a page, an error, a file of something in between
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import anyio

from adapters.contract import Delta
from adapters.contract.errors import AdapterError, BadReply, EmptyReply
from adapters.wire.plain_text import RawReply

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence

    from adapters.http.exchange import Answer
    from adapters.http.session import Session

_MARKUP: Final = frozenset({"text/html", "text/xml"})
_BYTES: Final = "application/octet-stream"
"""What some relays name the text of a reply."""


async def raw_text(
    session: Session,
    path: str,
    body: Any,
    headers: tuple[tuple[str, str], ...],
    *,
    refusals: Sequence[str] = (),
    if_empty: str = "",
    untyped_is_text: bool = False,
    answered: Callable[[], None] | None = None,
    judged: Callable[[Session, AdapterError], Awaitable[AdapterError]] | None = None,
) -> AsyncGenerator[Delta, None]:
    """Post `body`, and yield the text of the answer as it comes.

    The end of a framed body proves that the reply is complete. Where the body just ends with the connection,
    nothing can prove it: the last delta has no `finish_reason` then.

    Args:
        session: Of the attempt; entered here.
        path: Below `base_url`.
        body: Sent as JSON.
        headers: Sent besides the configured ones.
        refusals: Phrases with which a whole short answer refuses.
        if_empty: What is likely where an answer has no text; "" leaves the judgement to the router.
        untyped_is_text: Whether a body without a content type is text however it begins.
        answered: Called once, when text came.
        judged: Called with the error of a refused request; returns the one to raise, maybe after a further
            request.

    Raises:
        AdapterError: Any status but 200, a content type that is not text, a page, an error object or a
            refusal in place of text, a cut.
        EmptyReply: There was no text, and `if_empty` says why.
    """
    async with session:
        async with session.exchange("POST", path, json=body, headers=headers) as answer:
            if answer.status == 200:
                kind = await _text_type(answer, session)
                answer.alone()
                reply = RawReply(refusals, shown=session.shown, any_text=untyped_is_text and not kind)
                count = session.meter.content
                has_text = False
                try:
                    async for chunk in answer.chunks():
                        text = reply.feed(chunk)
                        count(text)
                        if text:
                            if answered is not None and not has_text:
                                answered()
                            has_text = True
                            yield Delta(text)
                    rest = reply.flush()
                except AdapterError as error:
                    raise answer.located(error) from None
                if has_text or rest:
                    reason = "stop" if answer.framed else None
                    yield Delta(rest, finish_reason=reason, ends=True)
                elif if_empty:
                    raise EmptyReply(f"{answer.where}: an empty body with status 200: {if_empty}", status=200)
                return
            failure = await answer.failure()
        raise failure if judged is None else await judged(session, failure)


async def _text_type(answer: Answer, session: Session) -> str:
    """Return the content type of an answer that may be text; "" where it names none.

    Raises:
        AdapterError: It is named something else.
    """
    kind = (answer.header("content-type") or "").partition(";")[0].strip().lower()
    if kind in ("", _BYTES) or (kind.startswith("text/") and kind not in _MARKUP):
        return kind
    raise await _no_reply(answer, kind, session)


async def _no_reply(answer: Answer, kind: str, session: Session) -> AdapterError:
    """Return the error that the body stands for, after a bounded look at it."""
    limits = session.limits
    body = bytearray()
    with anyio.move_on_after(limits.error_seconds), suppress(AdapterError):
        async for chunk in answer.chunks():
            body += chunk
            if len(body) >= limits.error_body:
                break
    reply = RawReply(shown=session.shown)
    try:
        reply.feed(bytes(body[: limits.error_body]))
        reply.flush()
    except AdapterError as error:
        return answer.located(error)
    return BadReply(
        f"{answer.where}: {session.shown(kind, 60)} with status 200 where the text of the reply belongs; "
        "check base_url",
        status=200,
    )
