"""Opchatgpts: any WordPress site with the AI Engine plugin (opchatgpts.net), from 1.x to 3.6.

    handshake                              once: see `adapters.opchatgpts.site`
    POST /wp-json/mwai-ui/v1/chats/submit  {"botId", "messages", "newMessage", "stream", …}
                                           -> events, or JSON: see `adapters.opchatgpts.codec`

A nonce grows old after 12 to 24 hours. Each answer brings the current one, so that a nonce in use renews
itself. Meanwhile the site may become another version, also an older one, which takes the nonce all the same
or needs none; the next handshake tells, and a probe does one where the last was long ago. For a nonce that is
refused there is one more handshake, and the message is sent again: nothing was generated. The `end` event is
the proof of a complete reply.
"""

from __future__ import annotations

import secrets
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Unpack
from urllib.parse import quote

import anyio

from adapters.contract import Capabilities, Delta, ProbeResult
from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    EmptyReply,
    InvalidRequest,
    NotWorking,
)
from adapters.http import Answer, HTTPAdapter, HTTPSettings, Session, WholeAnswer
from adapters.http.client import ServiceWords
from adapters.opchatgpts.codec import End, Failure, ReplyDecoder
from adapters.opchatgpts.errors import kind_of, wait_of
from adapters.opchatgpts.site import Headers, Site, nonce_of, object_of, route, visit
from adapters.wire.error_body import is_page, words

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from adapters.contract import ChatRequest, ProbeLevel

_SUBMIT: Final = "/mwai-ui/v1/chats/submit"
_INDEX: Final = "/mwai-ui/v1"
_BOT: Final = "default"
_CONTEXT: Final = 28  # the page of opchatgpts.net; any number is taken
_HINTS: Final[Mapping[type[AdapterError], str]] = {
    InvalidRequest: "; the message is empty or too long for this chatbot, or the site has no such chatbot",
    NotWorking: "; the key meant is that of the site's owner",
}
_LASTS: Final = 600.0  # seconds after which a probe does the handshake anew
_ROLES: Final = {"developer": "system"}  # a word that few of the plugin's backends know


class NonceRefused(AuthenticationFailed):
    """WordPress refused the nonce, or asks for one; a fresh handshake may help. Never leaves this module."""


class Opchatgpts(HTTPAdapter):
    """A chatbot of the AI Engine plugin on a WordPress site.

    The site's owner chooses model and settings, so no option is taken; what stands in `extra` of a request is
    sent as further fields of the body, which override the owner's settings. On 1.x the owner's instructions
    take the place of a system message at the very start.

    Args:
        base_url: The site. None points at opchatgpts.net, which is gone: `working` is False until a probe
            succeeds.
        bot_id: Which of the site's chatbots. By default the one on `page`, else `default`.
        custom_id: A chatbot with settings of a page's own, by the id that the page shows; the site forgets it
            after 24 hours.
        page: Where on the site the chatbot is shown: a path, with a query where it needs one (`/`).
        settings: See `HTTPSettings`.

    Raises:
        TypeError: A setting is unknown.
        ValueError: `page` is no path, an id is no text or empty, or a setting cannot be used.
    """

    _seed = "https://opchatgpts.net"
    _words = ServiceWords("", key="")
    capabilities = Capabilities()

    def __init__(
        self,
        base_url: str | None = None,
        *,
        bot_id: str | None = None,
        custom_id: str | None = None,
        page: str = "/",
        **settings: Unpack[HTTPSettings],
    ) -> None:
        self.bot_id = _id_of("bot_id", bot_id)
        self.custom_id = _id_of("custom_id", custom_id)
        self.page = _page_of(page)
        self._site: Site | None = None
        self._seen_at = 0.0
        super().__init__(base_url, **settings)
        self._sent_with: Headers = (
            ("origin", self._client.origin),
            ("referer", self.base_url.rstrip("/") + self.page),
        )

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Ask the site, and yield its reply as it comes.

        Raises:
            AdapterError: See the module; EmptyReply where the plugin reports success and says nothing.
        """
        async with self._session(request.conditions) as session, AsyncExitStack() as stack:
            answer, site = await self._submit(session, stack, request)
            reply = ReplyDecoder(self.limits.line, self.limits.reply, self.limits.empty)
            try:
                async for chunk in answer.chunks():
                    for event in reply.feed(chunk):
                        if not isinstance(event, str):
                            answer.ended()
                            yield self._last(event, site, answer.where)
                            return
                        session.meter.content(event)
                        if event:
                            yield Delta(event)
                for event in reply.flush():
                    last = Delta(event) if isinstance(event, str) else self._last(event, site, answer.where)
                    yield last
            except BadReply as error:
                raise answer.located(error) from None

    def _explain(self, answer: WholeAnswer) -> AdapterError | None:
        """Return the error that a refusal of WordPress, the plugin or a firewall stands for."""
        where = f"{answer.where} answered {answer.status}"
        if is_page(answer.body):
            if answer.status not in (401, 403):
                return None
            return NotWorking(f"{where}: a page, not the plugin's words: something before the site blocks it")
        fields = object_of(answer.body) or {}
        said = words(answer.body)
        code = fields.get("code")
        if code == "rest_cookie_invalid_nonce" or (code == "rest_forbidden" and answer.status == 401):
            return NonceRefused(f"{where}: {answer.shown(said)}")
        if code == "rest_no_route":
            return NotWorking(
                f"{where}: the site has no such route; check base_url, and that AI Engine's chatbot is on"
            )
        return self._error(said, where, answer.status) if fields.get("success") is False else None

    async def _reach(self, session: Session) -> ProbeResult:
        """Do the handshake, unless one was done lately, and look for the chat among the routes."""
        lately = 0 <= anyio.current_time() - self._seen_at < _LASTS
        site = (self._site if lately else None) or await self._visit(session)
        async with route(session, site, "GET", _INDEX, headers=self._sent_with) as answer:
            if answer.status != 200:
                raise await answer.failure()
            index = object_of((await answer.whole()).body) or {}
        if _SUBMIT not in (index.get("routes") or ()):
            raise NotWorking(f"{answer.where}: no chat among the routes; is AI Engine's chatbot switched on?")
        if site.generation is None:
            return ProbeResult(None, f"it lists its chat, but not what it asks for: {site.lack}")
        return ProbeResult(True, "it lists its chat", generation=site.generation)

    async def probe(self, level: ProbeLevel = "reach") -> ProbeResult:
        """Check the site; an answer has shown its generation, too. As of `HTTPAdapter`."""
        result = await super().probe(level)
        if level == "answer" and self._site is not None:
            return replace(result, generation=self._site.generation)
        return result

    async def _submit(
        self, session: Session, stack: AsyncExitStack, request: ChatRequest
    ) -> tuple[Answer, Site]:
        """Send the message, once more where only the nonce was refused; returns the entered answer."""
        site, renewed = self._site or await self._visit(session), False
        while True:
            body, headers = self._body(request, site), self._sent_with
            if site.nonce:  # an empty one is refused also where none is needed
                headers = (*headers, ("x-wp-nonce", site.nonce))
            answer = await stack.enter_async_context(
                route(session, site, "POST", _SUBMIT, json=body, headers=headers)
            )
            if answer.status == 200:
                self._learn(answer.header("x-wp-nonce"))
                return answer, site
            error = await answer.failure()
            await stack.aclose()
            stale = isinstance(error, NonceRefused) and (answer.status == 403 or site.nonce is None)
            if renewed or not stale:
                raise self._told(error, site)
            site, renewed = await self._renewed(session, site), True

    async def _visit(self, session: Session) -> Site:
        known = self.bot_id is not None or self.custom_id is not None
        site = await visit(session, self.page, self._sent_with, bot=not known)
        if site.settled:
            self._site, self._seen_at = site, anyio.current_time()
        return site

    async def _renewed(self, session: Session, refused: Site) -> Site:
        now = self._site
        if now is not None and now.nonce != refused.nonce:  # another stream has done it meanwhile
            return now
        return await self._visit(session)

    def _learn(self, value: object) -> None:
        """Keep the nonce that an answer brought, where this site uses one."""
        nonce, now = nonce_of(value), self._site
        if nonce and now is not None and now.nonce not in (None, nonce):
            self._site = replace(now, nonce=nonce)

    def _body(self, request: ChatRequest, site: Site) -> dict[str, Any]:
        bot_id, custom_id, bot = self.bot_id, self.custom_id, site.bot
        if bot_id is None and custom_id is None:
            bot_id, custom_id = bot.bot_id or (None if bot.custom_id else _BOT), bot.custom_id
        *earlier, new = request.messages
        return {
            "botId": bot_id,
            "chatId": secrets.token_hex(5),
            "contextId": _CONTEXT if bot.context_id is None else bot.context_id,
            "customId": custom_id,
            "messages": [{"role": _ROLES.get(m.role, m.role), "content": m.text} for m in earlier],
            "newMessage": new.text,
            "session": site.session,
            "stream": True,
            **request.extra.get(self.name, {}),
        }

    def _last(self, event: End | Failure | AdapterError, site: Site, where: str) -> Delta:
        """Return the delta that ends a complete reply.

        Raises:
            AdapterError: The reply failed.
        """
        if isinstance(event, AdapterError):
            raise event
        if isinstance(event, Failure):
            raise self._told(self._error(event.message, where), site)
        self._learn(event.token)
        if event.empty:
            raise EmptyReply(
                f"{where}: the site reports success and says nothing, as it does where the service behind it "
                "fails; try again later, or another provider"
            )
        return Delta(event.rest, finish_reason="stop", usage=event.usage, final_text=event.final_text)

    def _error(self, said: str, where: str, status: int | None = None) -> AdapterError:
        """Return the error for the plugin's own words."""
        kind = kind_of(said, status)
        text = f"{where}: {self._client.shown(said) or 'an error without a word'}{_HINTS.get(kind, '')}"
        return kind(text, status=status, retry_after=wait_of(said))

    def _told(self, error: AdapterError, site: Site) -> AdapterError:
        """Return the error to raise for a message that was not answered."""
        if isinstance(error, InvalidRequest) and self.custom_id is None and site.bot.custom_id is not None:
            self._site = None  # the site forgets such a bot after a day; the page has the new one
        if not isinstance(error, NonceRefused):
            return error
        if site.nonce is None:
            hint = f"the site wants a nonce and showed none ({site.lack or 'the chatbot on page has none'}); "
            hint += "set page to the address where the chatbot is shown"
        elif error.status == 403:
            hint = "even a fresh nonce is refused; page may come from a cache that is out of date"
        else:
            hint = "though a nonce was sent; the chatbot may be for the site's members only"
        return AuthenticationFailed(f"{error}; {hint}", status=error.status)


def _id_of(setting: str, value: object) -> str | None:
    if value is None or (isinstance(value, str) and value.strip()):
        return value
    raise ValueError(
        f"{setting} is {value!r}; give the id that the page's data-system shows, or leave it out"
    )


def _page_of(value: object) -> str:
    if isinstance(value, str) and value[:1] == "/" and value[:2] != "//" and "#" not in value:
        return quote(value, safe="/?&=%+:@!$'()*,;")
    raise ValueError(
        f"page is {value!r}; give a path on the site that begins with one slash, such as '/chat/'"
    )
