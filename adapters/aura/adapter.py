"""Aura: openchat-ui (openchat.team) and legacy chatbot-ui, which share one protocol.

    POST {base_url}/api/chat    {"model", "messages", "key", "prompt", "temperature"} -> raw UTF-8 text
    POST {base_url}/api/models  {"key"} -> [{"id", "name"}]

The reply has neither framing nor an end mark, so the framed end of the HTTP body is its proof. Every failure
is a 500 `Error` whose reason phrase holds what the service behind it said. When that service breaks off, the
reply never ends: the router's clock is what ends it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Unpack

from adapters.contract import Capabilities, ProbeResult
from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    BadReply,
    NotWorking,
    QuotaExhausted,
    ServiceFailed,
)
from adapters.contract.secret import Secret
from adapters.http import HTTPAdapter, HTTPSettings
from adapters.http.client import ServiceWords
from adapters.http.text_reply import raw_text
from adapters.wire.phrases import Row, kind_in
from adapters.wire.prompt import dialogue, system_prompt
from adapters.wire.vendor.errors import error_from

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from adapters.contract import ChatRequest, Delta
    from adapters.http import Session, WholeAnswer

_NAMES: Final = {
    "openchat_3.6": "OpenChat 3.6 (latest)",
    "openchat_v3.2_mistral": "OpenChat Aura",
}
_TEMPERATURE: Final = 0.5
_CHARACTERS_PER_TOKEN: Final = 3  # what the site's own table of models assumes
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


class Aura(HTTPAdapter):
    """A server of openchat-ui or legacy chatbot-ui.

    Args:
        base_url: Where the server is, with a path prefix where it has one. None points at openchat.team,
            which is gone: `working` is False until a probe succeeds.
        key: An API key that the server hands on to the service behind it; "" leaves the server its own.
        token_limit: The model's context in tokens (8192). The server trusts it, and silently drops the oldest
            messages over it. It is no limit of the reply, so `max_tokens` cannot be set here.
        settings: See `HTTPSettings`. The model is `openchat_3.6` by default. openchat-ui answers models that
            it does not know with a bare 500; chatbot-ui hands any name on.

    Raises:
        TypeError: A setting is unknown.
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
        token_limit: int = 8192,
        **settings: Unpack[HTTPSettings],
    ) -> None:
        if token_limit <= 0:
            raise ValueError(f"token_limit is {token_limit!r}; it must be more than 0 tokens")
        self.token_limit = token_limit
        self._key = Secret(key) if key else None
        super().__init__(base_url, **settings)
        self._site = (("origin", self._client.origin), ("referer", f"{self._client.origin}/"))

    def _secrets(self) -> tuple[Secret, ...]:
        """Return the key, which the service behind the server may quote in its error."""
        return () if self._key is None else (self._key,)

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Ask the server, and yield its text as it comes.

        Raises:
            AdapterError: See the module; an EmptyReply names its two known causes.
        """
        return raw_text(
            self._session(request.conditions), "/api/chat", self._body(request), self._site, if_empty=_EMPTY
        )

    def _explain(self, answer: WholeAnswer) -> AdapterError | None:
        """Return the error that the reason phrase of a 500 stands for: the status is the same for all."""
        said = answer.reason.strip()
        if answer.status != 500 or said.lower() in _NOTHING_SAID:
            return None
        text = f"{answer.where} answered 500: {self._client.shown(said)}"
        error = error_from({"message": said}, answer.status)
        kind = kind_in(said, _WORDS)
        if kind is not None and type(error) is ServiceFailed:  # its class of unknown texts
            return kind(text)
        error.args = (text,)
        return error

    async def _reach(self, session: Session) -> ProbeResult:
        """Ask for the list of models, which costs no generation."""
        answer = await session.ask("POST", "/api/models", json={"key": self._revealed()}, headers=self._site)
        listed = answer.json()
        if not isinstance(listed, list):
            raise BadReply(f"{answer.where}: not a list of models; check base_url", status=answer.status)
        ids = tuple(m["id"] for m in listed if isinstance(m, dict) and isinstance(m.get("id"), str))
        models = tuple(self._client.shown(model, 100) for model in ids[:100])
        if self.model not in models:
            said = f"it answers, but does not list the model {self.model!r}"
            return ProbeResult(True, said, models=models)
        return ProbeResult(True, "it lists its models", models=models)

    def _revealed(self) -> str:
        return "" if self._key is None else self._key.reveal()

    def _body(self, request: ChatRequest) -> dict[str, Any]:
        model = self.model_for(request) or type(self).model
        options = request.options_for(self.capabilities.options)
        return {
            "model": {
                "id": model,
                "name": _NAMES.get(model, model),
                "maxLength": _CHARACTERS_PER_TOKEN * self.token_limit,
                "tokenLimit": self.token_limit,
            },
            "messages": [{"role": m.role, "content": m.text} for m in dialogue(request.messages)],
            "key": self._revealed(),
            "prompt": system_prompt(request.messages),
            "temperature": options.get("temperature", _TEMPERATURE),
            **request.extra.get(self.name, {}),
        }
