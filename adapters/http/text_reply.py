"""One exchange whose reply is the bare text of the body; Aura and the old ChatAnywhere speak so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from adapters.contract import Delta
from adapters.contract.errors import AdapterError, EmptyReply
from adapters.wire.plain_text import RawReply

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from adapters.http.session import Session


async def raw_text(
    session: Session,
    path: str,
    body: Any,
    headers: tuple[tuple[str, str], ...],
    *,
    refusals: Sequence[str] = (),
    if_empty: str = "",
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

    Raises:
        AdapterError: Any status but 200, a page, an error object or a refusal in place of text, a cut.
        EmptyReply: There was no text, and `if_empty` says why.
    """
    async with (
        session,
        session.exchange("POST", path, json=body, headers=headers) as answer,
    ):
        if answer.status != 200:
            raise await answer.failure()
        answer.alone()
        html = "html" in (answer.header("content-type") or "").lower()
        reply = RawReply(refusals, html=html, shown=session.shown)
        count = session.meter.content
        has_text = False
        try:
            async for chunk in answer.chunks():
                text = reply.feed(chunk)
                count(text)
                if text:
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
