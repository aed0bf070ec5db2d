"""ChatAnywhere: the old web protocol of its family of servers, and with a key today's OpenAI-compatible API.

    without a key   POST {base_url}/v1/chat/gpt/      {"list", "id", "title", "prompt", ...} -> raw UTF-8 text
    with api_key    POST {base_url}/chat/completions  see `adapters.openai.completions`

The two share nothing but the name, so the adapter holds one of two protocol objects, and asks that one.

The old protocol has no form for errors: a refusal is the whole text of an answer with status 200. Phrases of
refusal are looked for at the beginning of short whole answers only, since a model may quote them. No server
of the family is known to live. What is sent is what its clients sent, but for a fresh `id` per request in
place of the one that all users share, and an honest User-Agent.
"""

from __future__ import annotations

from secrets import token_urlsafe
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, Unpack

from adapters.contract import Capabilities, ProbeResult
from adapters.http import HTTPAdapter, HTTPSettings
from adapters.http.client import ServiceWords
from adapters.http.keys import keys_of
from adapters.http.text_reply import raw_text
from adapters.openai import completions

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from adapters.contract import ChatRequest, Delta
    from adapters.contract.errors import AdapterError
    from adapters.contract.message import Message
    from adapters.http import Session, WholeAnswer
    from adapters.http.keys import ApiKey

REFUSALS: Final = (
    "当前地区当日额度已消耗完",
    "当日额度已消耗完",
    "该ip请求过多已被暂时限流",
    "流量异常",
    "服务器限流，请稍后再试",
    "Server was limited, please try again later",
)
"""With what a whole short answer begins that is a refusal; collected from free relays of the same time."""

_ID_LENGTH: Final = 21  # characters, as the ids of the site's conversations had


class ChatAnywhere(HTTPAdapter):
    """A server of the old `/v1/chat/gpt/` family, or ChatAnywhere's OpenAI-compatible API.

    Args:
        base_url: Where the server is. None points at chatanywhere.cn, which is gone, so that `working` is
            False until a probe succeeds; with a key, at `https://api.chatanywhere.tech/v1`.
        api_key: A key of the API (`sk-…`), or a function that returns one, as of `OpenAICompatible`; None
            speaks the old web protocol.
        api_keys: Several keys, as of `OpenAICompatible`.
        refusals: Phrases with which a whole short answer of the old protocol refuses (`REFUSALS`).
        settings: See `HTTPSettings`. The model is the site's preset `61490748` in the old protocol, and
            `gpt-4o-mini` with a key, the one that free keys may ask most often.

    Raises:
        TypeError: A setting is unknown.
        ValueError: The key or a setting cannot be used; the message says why.
    """

    _seed = "https://chatanywhere.cn"
    _words = ServiceWords("ChatAnywhere, or with a key an OpenAI-compatible API", key="api_key")

    def __init__(
        self,
        base_url: str | None = None,
        *,
        api_key: ApiKey | None = None,
        api_keys: Sequence[ApiKey] | None = None,
        refusals: Sequence[str] = REFUSALS,
        **settings: Unpack[HTTPSettings],
    ) -> None:
        self._keys = None if api_key is None and api_keys is None else keys_of(api_key, api_keys)
        self._speaks: _Speaks = _Web(refusals) if self._keys is None else _API()
        settings.setdefault("model", self._speaks.model)
        super().__init__(self._speaks.home if base_url is None else base_url, **settings)
        self.capabilities = self._speaks.capabilities

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Ask the server, and yield its reply.

        Raises:
            AdapterError: See the module and `adapters.openai.completions`.
        """
        return self._speaks.stream(self, self._session(request.conditions), request)

    def _explain(self, answer: WholeAnswer) -> AdapterError | None:
        """Return the error that the body of a failed answer stands for."""
        return completions.explain(answer)

    async def _reach(self, session: Session) -> ProbeResult:
        """Ask for the list of models, or in the old protocol for the page."""
        return await self._speaks.reach(session)


class _Speaks(Protocol):
    """One of the two protocols."""

    home: ClassVar[str | None]
    model: ClassVar[str]
    capabilities: ClassVar[Capabilities]

    def stream(
        self, adapter: HTTPAdapter, session: Session, request: ChatRequest
    ) -> AsyncGenerator[Delta, None]: ...

    async def reach(self, session: Session) -> ProbeResult: ...


class _API:
    """Today's API; the key is what makes it answer."""

    home: ClassVar[str | None] = "https://api.chatanywhere.tech/v1"
    model: ClassVar[str] = "gpt-4o-mini"
    capabilities: ClassVar[Capabilities] = completions.CAPABILITIES

    def stream(
        self, adapter: HTTPAdapter, session: Session, request: ChatRequest
    ) -> AsyncGenerator[Delta, None]:
        return completions.converse(adapter, session, request)

    async def reach(self, session: Session) -> ProbeResult:
        return await completions.reach(session)


class _Web:
    """The old protocol of the web page."""

    home: ClassVar[str | None] = None
    model: ClassVar[str] = "61490748"
    capabilities: ClassVar[Capabilities] = Capabilities(options=frozenset({"temperature"}))
    _temperature: ClassVar[float] = 0.5

    def __init__(self, refusals: Sequence[str]) -> None:
        if isinstance(refusals, str) or not all(isinstance(each, str) and each for each in refusals):
            raise ValueError("refusals must be a list of phrases, none of them empty")
        self._refusals = tuple(refusals)

    def stream(
        self, adapter: HTTPAdapter, session: Session, request: ChatRequest
    ) -> AsyncGenerator[Delta, None]:
        body = self._body(adapter, request)
        headers = self._headers(session.origin)
        return raw_text(session, "/v1/chat/gpt/", body, headers, refusals=self._refusals)

    async def reach(self, session: Session) -> ProbeResult:
        # A request for text is the only call that is known of these servers, and a check must cost nothing.
        answer = await session.ask("GET", "/", ok=tuple(range(200, 500)))
        return ProbeResult(
            None, f"a server answers there (status {answer.status}), but only a request can tell"
        )

    def _body(self, adapter: HTTPAdapter, request: ChatRequest) -> dict[str, Any]:
        options = request.options_for(self.capabilities.options)
        return {
            "list": [{"role": _role(message), "content": message.text} for message in request.messages],
            "id": token_urlsafe(_ID_LENGTH)[:_ID_LENGTH],
            "title": request.messages[-1].text,
            "prompt": "",
            "temperature": options.get("temperature", self._temperature),
            "models": adapter.model_for(request),
            "continuous": True,
            **request.extra.get(adapter.name, {}),
        }

    def _headers(self, origin: str) -> tuple[tuple[str, str], ...]:
        return (
            ("accept", "application/json, text/plain, */*"),
            ("origin", origin),
            ("referer", f"{origin}/"),
            ("authorization", ""),  # the page sends it, present but empty
        )


def _role(message: Message) -> str:
    return "system" if message.role == "developer" else message.role
