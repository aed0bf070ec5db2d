"""The handshake with a WordPress site that has AI Engine: which generation it is, and the nonce it asks for.

    POST /wp-json/mwai/v1/start_session   from 2.4.4 on: {"sessionId", "restNonce"}; before that no such route
    GET  the page with the chatbot        `data-system`: bot and page; on 2.0.1–2.4.3 the nonce, too
    neither has a nonce                   1.x, which needs none

A site without pretty permalinks has no /wp-json: its routes go through `/index.php?rest_route=`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from adapters.contract.errors import AdapterError, BadReply, Disposition, NotWorking
from adapters.opchatgpts.codec import Chatbot, chatbot
from adapters.wire.json import decode

if TYPE_CHECKING:
    from adapters.http import Answer, Session

Headers = tuple[tuple[str, str], ...]
CURRENT: Final = "2.4.4 or later"
IN_PAGE: Final = "2.0.1–2.4.3"
FIRST: Final = "1.x"
_NONCE: Final = re.compile(r"[\x21-\x7e]{1,128}")
_NOT_HERE: Final = frozenset({200, 404, 405})
_FOR_NOW: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Site:
    """What a handshake found; never changed, only replaced.

    Attributes:
        nonce: What `X-WP-Nonce` must carry, or None where the site gave none.
        session: The visitor's session, in the site's words.
        bot: The chatbot on the page; an empty one where the page told nothing.
        plain: Whether the routes go through `?rest_route=`.
        generation: Of the plugin, where it can be told.
        lack: Why the page told nothing, for messages.
        settled: Whether to keep this; False where the page failed for now.
    """

    nonce: str | None = field(default=None, repr=False)
    session: str = "N/A"
    bot: Chatbot = field(default=Chatbot())
    plain: bool = False
    generation: str | None = None
    lack: str = ""
    settled: bool = True


def nonce_of(value: object) -> str | None:
    """Return a nonce that a site gave, where it is one that a header can carry; never an empty one."""
    return value if isinstance(value, str) and _NONCE.fullmatch(value) else None


def object_of(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object that a body is, or None."""
    try:
        found = decode(body)
    except BadReply:
        return None
    return found if isinstance(found, dict) else None


def route(
    session: Session,
    site: Site,
    method: str,
    path: str,
    *,
    json: Any = None,
    headers: Headers = (),
) -> Answer:
    """Return the exchange with a REST route of the site, to be entered.

    Args:
        session: Of the attempt.
        site: Says how its routes are addressed.
        method: The HTTP method.
        path: Of the route, such as `/mwai-ui/v1/chats/submit`.
        json: A value to send as JSON.
        headers: Further headers.
    """
    if site.plain:
        query = {"rest_route": path}
        return session.exchange(method, "/index.php", json=json, headers=headers, query=query)
    return session.exchange(method, f"/wp-json{path}", json=json, headers=headers)


async def visit(session: Session, page: str, headers: Headers, *, bot: bool) -> Site:
    """Do the handshake: at most four requests, none of which generates.

    Args:
        session: Of the attempt.
        page: The address of the page with the chatbot, below the site's.
        headers: To send with each request.
        bot: Whether the page is wanted for its chatbot also where the nonce is known without it.

    Raises:
        AdapterError: The site failed, or is no WordPress site with REST routes.
    """
    plain, fields = await _start_session(session, headers)
    nonce = nonce_of(fields.get("restNonce"))
    own = fields.get("sessionId")
    visitor = own if isinstance(own, str) and 0 < len(own) <= 200 else None
    generation = CURRENT if nonce else None
    found, lack, settled = Chatbot(), "", True
    if nonce is None or bot:
        try:
            # A page from a cache may carry a nonce that is long out of date.
            answer = await session.ask("GET", page, headers=(*headers, ("cache-control", "no-cache")))
            seen = chatbot(answer.body)
        except AdapterError as error:
            if error.disposition is Disposition.ABORT:
                raise
            settled = error.disposition is Disposition.FAILOVER
            if nonce is None and not settled:
                raise
            lack = str(error)
        else:
            found, lack = (
                seen or Chatbot(),
                "" if seen else f"{answer.where}: there is no chatbot on this page",
            )
            if nonce is None and seen is not None:
                nonce = nonce_of(seen.nonce)
                generation = IN_PAGE if nonce else FIRST
    return Site(nonce, visitor or found.session or "N/A", found, plain, generation, lack, settled)


async def _start_session(session: Session, headers: Headers) -> tuple[bool, dict[str, Any]]:
    """Return whether the routes go through `?rest_route=`, and what `start_session` said."""
    status, where = 0, ""
    for plain in (False, True):
        request = route(session, Site(plain=plain), "POST", "/mwai/v1/start_session", headers=headers)
        async with request as answer:
            status, where = answer.status, answer.where
            if status not in _NOT_HERE:
                if 400 <= status < 500 and status not in _FOR_NOW:
                    return plain, {}  # a firewall may let other routes pass; they say it better
                raise await answer.failure()
            fields = object_of((await answer.whole()).body)
        if fields is not None:
            return plain, fields if status == 200 else {}
    kind = BadReply if status == 200 else NotWorking
    raise kind(
        f"{where} answered {status} without JSON, like /wp-json: no WordPress site is here; check base_url",
        status=status,
    )
