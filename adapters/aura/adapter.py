"""Aura: openchat-ui (openchat.team) and legacy chatbot-ui, which share one protocol.

    POST {base_url}/api/chat    {"model", "messages", "key", "prompt", "temperature"} -> raw UTF-8 text
    POST {base_url}/api/models  {"key"} -> [{"id", "name"}]

The reply has neither framing nor an end mark, nor a content type, so the framed end of the HTTP body is its
proof. Every failure is a 500 `Error` whose reason phrase holds what the service behind it said. Where it
holds nothing, the list of models tells whether the model is the cause. When that service breaks off, the
reply never ends: the router's clock is what ends it.
"""

from __future__ import annotations

from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Final, Unpack

import anyio

from adapters.contract import Capabilities, ProbeResult
from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    ServiceFailed,
)
from adapters.contract.secret import Secret
from adapters.http import HTTPAdapter, HTTPSettings
from adapters.http.client import ServiceWords
from adapters.http.cookies import BrowserSession
from adapters.http.settings import base_of
from adapters.http.text_reply import raw_text
from adapters.wire.phrases import Row, kind_in
from adapters.wire.prompt import dialogue, system_prompt
from adapters.wire.vendor.errors import error_from

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from adapters.contract import ChatRequest, Delta
    from adapters.http import Session, WholeAnswer
    from adapters.http.cookies import WebDriver

_NEWEST: Final = "openchat_3.6"
_OLDER: Final = "openchat_v3.2_mistral"
_NAMES: Final = {_NEWEST: "OpenChat 3.6 (latest)", _OLDER: "OpenChat Aura"}
_TEMPERATURE: Final = 0.5
_CHARACTERS_PER_TOKEN: Final = 3  # what the site's own table of models assumes
_RESERVED: Final = 1000  # tokens that a server keeps for the reply; openchat-ui 768, chatbot-ui 1000
_OWN_PROMPT: Final = 1000  # tokens for the server's own system prompt, where the request has none
_MOST_MODELS: Final = 64  # remembered of those that answered; names come from callers
_NOTHING_SAID: Final = frozenset({"", "error", "internal server error"})
# Ways of saying it that OpenAI's own errors do not use, but what stands behind such a server may.
_WORDS: Final[tuple[Row, ...]] = (
    (("api key",), AuthenticationFailed),
    (("apikey",), AuthenticationFailed),
    (("authenticat",), AuthenticationFailed),
    (("unauthori",), AuthenticationFailed),
    (("forbidden",), AuthenticationFailed),
    (("denied",), AuthenticationFailed),
    (("not accepted",), AuthenticationFailed),
    (("quota",), QuotaExhausted),
    (("billing",), QuotaExhausted),
    (("not found",), NotWorking),
)
_EMPTY: Final = (
    "the model said nothing, or its whole answer came in one piece, which openchat-ui loses; "
    "try again, or ask another model"
)


class WithoutAWord(ServiceFailed):
    """A bare 500, which may mean an unknown model. Never leaves this module."""


class Aura(HTTPAdapter):
    """A server of openchat-ui or legacy chatbot-ui.

    Args:
        base_url: Where the server is, with a path prefix where it has one. None points at openchat.team,
            which is gone: `working` is False until a probe succeeds.
        key: An API key that the server hands on to the service behind it; "" leaves the server its own.
        token_limit: The model's context in tokens; the server then drops the oldest messages that do not fit.
            None, the default, lets it drop none. The server trusts the number and would drop even the newest
            message, in silence, so a larger one is sent where that message might not fit. It is no limit of
            the reply: `max_tokens` cannot be set here.
        webdriver: A selenium WebDriver whose window is open at the server and signed in there: its cookies of
            this host and its user agent are sent, read anew once when the server refuses them. You drive it
            and close it. Needs the extra `browser`.
        settings: See `HTTPSettings`. The model is `openchat_3.6` by default. openchat-ui refuses models
            that it does not know; chatbot-ui hands any name on. The main branch of openchat-ui lists
            `openchat_3.6` and cannot use it: there, set `model="openchat_v3.2_mistral"`.

    Raises:
        TypeError: A setting is unknown, `webdriver` is none, or a session is given twice.
        ValueError: `token_limit` is not positive, or a setting cannot be used.
    """

    _seed = "https://openchat.team"
    _words = ServiceWords("an openchat-ui or chatbot-ui server", key="key")
    model = "openchat_3.6"
    capabilities = Capabilities(options=frozenset({"temperature"}))

    def __init__(
        self,
        base_url: str | None = None,
        *,
        key: str | Secret = "",
        token_limit: int | None = None,
        webdriver: WebDriver | None = None,
        **settings: Unpack[HTTPSettings],
    ) -> None:
        if token_limit is not None and token_limit <= 0:
            raise ValueError(f"token_limit is {token_limit!r}; it must be more than 0 tokens")
        self.token_limit = token_limit
        self._key = Secret(key) if key else None
        self._answered: set[str] = set()
        self._browser: BrowserSession | None = None
        super().__init__(base_url, **settings)
        if webdriver is not None:
            given = {"cookies", *(str(name).lower() for name in settings.get("headers", {}))}
            if settings.get("cookies") or given & {"cookie", "user-agent"}:
                raise TypeError(
                    "the session is given twice; give webdriver, or cookies and headers, not both"
                )
            self._browser = BrowserSession(webdriver, base_of(self.base_url), "/api/chat")
        self._site = (("origin", self._client.origin), ("referer", f"{self._client.origin}/"))

    def _secrets(self) -> tuple[Secret, ...]:
        """Return the key, which the service behind the server may quote in its error."""
        return () if self._key is None else (self._key,)

    def _credentials(self) -> tuple[tuple[str, str], ...]:
        """Return the session of the browser, where there is one."""
        return () if self._browser is None else self._browser.headers

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Ask the server, and yield its text as it comes.

        Raises:
            AdapterError: See the module; an EmptyReply names its two known causes.
        """
        if self._browser is None:
            return self._asked(request)
        return self._asked_in_session(self._browser, request)

    async def _asked_in_session(
        self, browser: BrowserSession, request: ChatRequest
    ) -> AsyncGenerator[Delta, None]:
        """Ask with the session of the browser; where the server refuses it, once more with a newer one."""
        await self._read_session(browser)
        sent = browser.headers
        try:
            async with aclosing(self._asked(request)) as deltas:
                async for delta in deltas:
                    yield delta
            return
        except AuthenticationFailed as error:
            refused = error
        await self._renew(browser, sent, refused)
        try:
            async with aclosing(self._asked(request)) as deltas:
                async for delta in deltas:
                    yield delta
        except AuthenticationFailed as error:
            raise self._sign_in_again(error) from None

    async def _read_session(self, browser: BrowserSession) -> None:
        if not browser.headers:
            await browser.read()
            self._client.shown.hide(browser.values)

    async def _renew(
        self, browser: BrowserSession, sent: tuple[tuple[str, str], ...], refused: AuthenticationFailed
    ) -> None:
        """Read the session anew.

        Raises:
            AuthenticationFailed: The browser has no other one than the server refused.
        """
        if not await browser.read(known=sent):
            raise self._sign_in_again(refused)
        self._client.shown.hide(browser.values)

    def _sign_in_again(self, refused: AuthenticationFailed) -> AuthenticationFailed:
        return AuthenticationFailed(
            f"{self.name}: the server does not take the session of the browser (status {refused.status}); "
            f"open {self.base_url} in its window, sign in there, leave it open, and ask again",
            status=refused.status,
            request_id=refused.request_id,
        )

    def _asked(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        model = self._model(request)

        async def judged(session: Session, error: AdapterError) -> AdapterError:
            return await self._judged(session, error, model)

        return raw_text(
            self._session(request.conditions),
            "/api/chat",
            self._body(request, model),
            self._site,
            if_empty=_EMPTY,
            untyped_is_text=True,
            answered=lambda: self._remember(model),
            judged=judged,
        )

    def _remember(self, model: str) -> None:
        if len(self._answered) < _MOST_MODELS:
            self._answered.add(model)

    def _explain(self, answer: WholeAnswer) -> AdapterError | None:
        """Return the error that the reason phrase of a 500 stands for: the status is the same for all."""
        said = answer.reason.strip()
        if self._browser is not None and 300 <= answer.status < 400:
            return AuthenticationFailed(
                f"{answer.where} answered {answer.status}, a redirect: nobody is signed in"
            )
        if answer.status != 500:
            return None
        if said.lower() in _NOTHING_SAID:
            return WithoutAWord(f"{answer.where} answered 500 without a reason; the server's log has it")
        text = f"{answer.where} answered 500: {answer.shown(said)}"
        error = error_from({"message": said}, answer.status)
        kind = kind_in(said, _WORDS)
        if kind is not None and type(error) is ServiceFailed:  # its class of unknown texts
            return kind(text)
        error.args = (text,)
        return error

    async def _judged(self, session: Session, error: AdapterError, model: str) -> AdapterError:
        """Return the error to raise: the list of models says whether a bare 500 means the model."""
        if isinstance(error, ModelNotFound):
            listed = await self._listed_if_any(session)
            if listed is not None:
                error.args = (f"{error}; {self._told(listed)}",)
            return error
        if not isinstance(error, WithoutAWord):
            return error
        listed = None if model in self._answered else await self._listed_if_any(session)
        why = None if listed is None else self._why_not(model, listed)
        if why is not None:
            return ModelNotFound(f"{error}: {why}", status=error.status)
        return ServiceFailed(
            str(error), status=error.status, retry_after=error.retry_after, request_id=error.request_id
        )

    def _why_not(self, model: str, listed: tuple[str, ...]) -> str | None:
        """Return why the server cannot use a model, or None where its list does not tell."""
        if model not in listed:
            return (
                f"the server does not know the model {self._client.shown(model, 100)!r}; {self._told(listed)}"
            )
        if model == _NEWEST and _OLDER in listed:
            advice = f"set model={_OLDER!r}; {self._told(listed)}"
            return f"the main branch of openchat-ui lists {_NEWEST} and cannot use it; {advice}"
        return None

    def _told(self, listed: tuple[str, ...]) -> str:
        return f"it lists {self._client.shown(', '.join(listed))}" if listed else "it lists no model at all"

    async def _reach(self, session: Session) -> ProbeResult:
        """Ask for the list of models, which costs no generation."""
        models = await (
            self._listed(session) if self._browser is None else self._listed_in(session, self._browser)
        )
        if self.model not in models:
            said = f"it answers, but does not list the model {self.model!r}"
            return ProbeResult(True, said, models=models)
        why = None if self.model in self._answered else self._why_not(self.model, models)
        if why is not None:
            return ProbeResult(True, f"it answers, but {why}", models=models)
        return ProbeResult(True, "it lists its models", models=models)

    async def _listed_in(self, session: Session, browser: BrowserSession) -> tuple[str, ...]:
        """Return the models, asked for in the session of the browser."""
        await self._read_session(browser)
        sent = browser.headers
        try:
            return await self._listed(session)
        except AuthenticationFailed as error:
            refused = error
        await self._renew(browser, sent, refused)
        try:
            return await self._listed(session)
        except AuthenticationFailed as error:
            raise self._sign_in_again(error) from None

    async def _listed_if_any(self, session: Session) -> tuple[str, ...] | None:
        """Return the models that the server lists; None where it gives no list in time.

        It asks the service behind it for the list, so it has none while that service is down.
        """
        with anyio.move_on_after(self.limits.error_seconds), suppress(AdapterError):
            return await self._listed(session)
        return None

    async def _listed(self, session: Session) -> tuple[str, ...]:
        """Return the models that the server lists.

        Raises:
            AdapterError: It gives no list.
        """
        answer = await session.ask("POST", "/api/models", json={"key": self._revealed()}, headers=self._site)
        listed = answer.json()
        if not isinstance(listed, list):
            raise BadReply(f"{answer.where}: not a list of models; check base_url", status=answer.status)
        ids = tuple(m["id"] for m in listed if isinstance(m, dict) and isinstance(m.get("id"), str))
        own = [self.model] if self.model in ids[100:] else []  # so that it is not taken for missing
        return tuple(self._client.shown(model, 100) for model in [*own, *ids[:100]])

    def _revealed(self) -> str:
        return "" if self._key is None else self._key.reveal()

    def _model(self, request: ChatRequest) -> str:
        return self.model_for(request) or type(self).model

    def _body(self, request: ChatRequest, model: str) -> dict[str, Any]:
        options = request.options_for(self.capabilities.options)
        messages = [{"role": m.role, "content": m.text} for m in dialogue(request.messages)]
        prompt = system_prompt(request.messages)
        asked: dict[str, Any] = {"id": model, "name": _NAMES.get(model, model)}
        if self.token_limit is not None:
            newest = messages[-1]["content"] if messages else ""
            limit = max(self.token_limit, _most_tokens(prompt, newest))
            asked |= {"maxLength": _CHARACTERS_PER_TOKEN * limit, "tokenLimit": limit}
        return {
            "model": asked,
            "messages": messages,
            "key": self._revealed(),
            "prompt": prompt,
            "temperature": options.get("temperature", _TEMPERATURE),
            **request.extra.get(self.name, {}),
        }


def _most_tokens(prompt: str, newest: str) -> int:
    """Return how many tokens the server counts at most before it comes to the older messages.

    The tokenizers of these servers make no more tokens than there are bytes.
    """
    return len(f"{prompt}{newest}".encode("utf-8", "surrogatepass")) + _RESERVED + _OWN_PROMPT
