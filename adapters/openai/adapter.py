"""Any service that speaks OpenAI's chat completions: most of the living ones, hosted or at home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from adapters.http import HTTPAdapter, HTTPSettings
from adapters.http.client import ServiceWords
from adapters.http.settings import header_of
from adapters.openai import completions

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from adapters.contract import ChatRequest, Delta, ProbeResult
    from adapters.contract.errors import AdapterError
    from adapters.contract.secret import Secret
    from adapters.http import Session, WholeAnswer


class OpenAICompatible(HTTPAdapter):
    """A service with an OpenAI-compatible API.

    Messages go out as the caller gave them, with tool calls, results and images. Options are those of OpenAI;
    further fields of the body go into the request's `extra`, under this provider's name.

    Args:
        base_url: What `/chat/completions` comes after, such as `https://api.example.org/v1`.
        api_key: Sent as `Authorization: Bearer`; None sends none. A service that wants it in another header
            gets it by `headers`.
        settings: See `HTTPSettings`. Without a `model` the choice is left to the service; most want one.

    Raises:
        TypeError: A setting is unknown.
        ValueError: `base_url`, the key or a setting cannot be used; the message says why.
    """

    name = "openai"
    _words = ServiceWords("an OpenAI-compatible API (its address often ends in /v1)", key="api_key")
    capabilities = completions.CAPABILITIES

    def __init__(
        self, base_url: str, *, api_key: str | Secret | None = None, **settings: Unpack[HTTPSettings]
    ) -> None:
        self._key = None if api_key is None else header_of("authorization", api_key)
        super().__init__(base_url, **settings)

    def _secrets(self) -> tuple[Secret, ...]:
        """Return the key, which some services quote in their errors."""
        return () if self._key is None else (self._key,)

    def _credentials(self) -> tuple[tuple[str, str], ...]:
        """Return the key as a header."""
        return () if self._key is None else (("authorization", f"Bearer {self._key.reveal()}"),)

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Ask for a completion, and yield it.

        Raises:
            AdapterError: See `adapters.openai.completions`.
        """
        return completions.converse(self, self._session(request.conditions), request)

    def _explain(self, answer: WholeAnswer) -> AdapterError | None:
        """Return the error that an error object stands for."""
        return completions.explain(answer, self._client.shown)

    async def _reach(self, session: Session) -> ProbeResult:
        """Ask for the list of models, which costs no generation."""
        return await completions.reach(session)
