"""H2o: the adapter for any huggingface/chat-ui, from the first one of 2023 to today's.

The seed's host (gpt-gm.h2o.ai) ran a fork of chat-ui of June 2023. The software lives on and has changed its
protocol four times since; which of the five generations a server speaks is asked once and remembered. The
steps are in `conversation`, their forms in `generations`, the answers in `codec`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final, Unpack

from adapters.contract import Capabilities, Delta, ProbeResult
from adapters.contract.errors import AdapterError, AuthenticationFailed, BadReply, ServiceFailed
from adapters.h2o.codec import Reply
from adapters.h2o.conversation import Conversation, Server
from adapters.h2o.errors import advice_on, kind_of, leads_to_login, login_advice
from adapters.h2o.generations import OPTIONS, SEED_MODEL, Generation
from adapters.http import HTTPAdapter, HTTPSettings
from adapters.http.client import ServiceWords
from adapters.wire.error_body import is_page, words
from adapters.wire.json import decode

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from adapters.contract import ChatRequest, ProbeLevel
    from adapters.http import Answer, Session, WholeAnswer

_LONGEST_WAIT: Final = 3600.0


class H2o(HTTPAdapter):
    """Speaks to a server of huggingface/chat-ui, of any generation.

    Each reply is a conversation of its own: created, asked one question into which all messages are folded,
    and deleted, on success, failure, early close and cancellation alike. No login is needed, unless the
    installation demands one; then pass the cookie of a session: `cookies={"hf-chat": "..."}`.

    Args:
        base_url: Where the site is, with its path prefix (APP_BASE) where it has one. None points at the
            seed's host, which is gone.
        settings: See `HTTPSettings`. Without a `model` the server's default is asked, the first one that it
            lists; of a server that has no list the seed's.

    Raises:
        TypeError: As of `HTTPAdapter`.
        ValueError: As of `HTTPAdapter`.
    """

    _seed: ClassVar[str | None] = "https://gpt-gm.h2o.ai"
    _words = ServiceWords("a chat-ui server", key="")
    model: str | None = None
    capabilities = Capabilities(options=OPTIONS)

    def __init__(self, base_url: str | None = None, **settings: Unpack[HTTPSettings]) -> None:
        super().__init__(base_url, **settings)
        if base_url is None and self.model is None:
            self.model = SEED_MODEL
        self._server = Server(self._cookie_names)

    # -- the reply ------------------------------------------------------------------------------

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Ask the server, and yield its reply in deltas.

        Args:
            request: Several messages are folded into one prompt. The generation options count for servers of
                2023 only; later ones use their own. `extra` goes into the body of the turn.

        Yields:
            Text and reasoning; before them an empty delta, once, where the server says that it has begun.
            The last delta has the `finish_reason`, and `final_text` where the server's
            own final version differs from what it streamed.

        Raises:
            AdapterError: The server, or the model server behind it, failed.
        """
        async with self._session(request.conditions) as session:
            conversation = Conversation(self._server, session)
            try:
                answer, closing = await conversation.turn(request, self.model_for(request))
                reply = Reply(answer.where, self._failed, session.meter, self.limits.line)
                begun = False
                async with closing:
                    async for chunk in answer.chunks():
                        for delta in reply.feed(chunk):
                            conversation.heard = begun = True
                            if delta.is_last:
                                self._finish(conversation, reply, answer)
                            yield delta
                        if reply.over:
                            break
                        if reply.heard and not begun:
                            begun = True
                            yield Delta()
                    self._finish(conversation, reply, answer)
                    for delta in reply.end():
                        yield delta
                if reply.failure is not None:
                    raise reply.failure
            except AdapterError as error:
                conversation.generating = False
                conversation.mask(error)
                raise
            finally:
                self._follow()
                await conversation.leave()

    def _finish(self, conversation: Conversation, reply: Reply, answer: Answer) -> None:
        conversation.generating = False
        answer.ended()
        known = self.generation
        if known is not None and known.family == "G1/G2" and reply.passed_through is not None:
            self._server.generation = replace(known, exact="G1" if reply.passed_through else "G2")

    # -- what is known of the server ------------------------------------------------------------

    @property
    def generation(self) -> Generation | None:
        """What is known of the server; None until it was asked."""
        return self._server.generation

    def _follow(self) -> None:
        """Take the options that the server takes, as far as it is known."""
        if self.generation is not None:
            self.capabilities = replace(self.capabilities, options=self.generation.options)

    async def _reach(self, session: Session) -> ProbeResult:
        """Ask the server for its models; no generation.

        Raises:
            AdapterError: The server fails, or does not let us in.
        """
        known = self.generation
        try:
            conversation = Conversation(self._server, session)
            found = await conversation.detect()
            if found.family == "G5" and await conversation.demands_login():
                advice = login_advice(self._server.cookie_name)
                raise AuthenticationFailed(f"{self.name}: GET /api/v2/user knows no user; {advice}")
        finally:
            self._follow()
        if found.exact == "unknown":
            return ProbeResult(
                None, "no API of chat-ui; a server of 2023 has none, and other web servers neither"
            )
        if found.family in ("G3/G4", "G5") and not found.models:
            raise BadReply(
                f"{self.name}: what stands at the address of the models is no list; check base_url"
            )
        if known is not None and known.family == found.family:
            found = replace(known, models=found.models)
            self._server.generation = found
            self._follow()
        return ProbeResult(True, "it answered", generation=found.name, models=found.models)

    async def probe(self, level: ProbeLevel = "reach") -> ProbeResult:
        """Check the server; an answer has shown its generation, too. As of `HTTPAdapter`."""
        result, known = await super().probe(level), self.generation
        if level == "answer" and known is not None and known.exact != "unknown":
            return replace(result, generation=known.name, models=known.models)
        return result

    # -- what went wrong ------------------------------------------------------------------------

    def _explain(self, answer: WholeAnswer) -> AdapterError | None:
        """Return the error that chat-ui's own words, or those of the model server behind it, stand for."""
        if leads_to_login(answer.status, answer.header):
            to = f"{answer.where} answered {answer.status}, a redirect to a login"
            return AuthenticationFailed(f"{to}; {login_advice(self._server.cookie_name)}")
        if is_page(answer.body):
            return None
        said = words(answer.body)
        kind = kind_of(said)
        if kind is None:
            return None
        error = kind(f"{answer.where} answered {answer.status}: {answer.shown(said)}{advice_on(said)}")
        error.retry_after = _estimated(answer.body)
        return error

    def _failed(self, message: str, status: int | str | None) -> AdapterError:
        kind = kind_of(message, status) or ServiceFailed
        said = self._client.shown(message) or "no reason given"
        return kind(f"{self.name}: the service reported an error in its reply: {said}{advice_on(message)}")


def _estimated(body: bytes) -> float | None:
    """Return the seconds until a model is loaded, where the model server estimates them."""
    try:
        value = decode(body)
    except BadReply:
        return None
    seconds = value.get("estimated_time") if isinstance(value, dict) else None
    if not isinstance(seconds, int | float) or not 0 < seconds <= _LONGEST_WAIT:
        return None
    return float(seconds)
