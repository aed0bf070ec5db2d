"""Any service that speaks OpenAI's chat completions: most of the living ones, hosted or at home."""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from adapters.http import HTTPAdapter, HTTPSettings
from adapters.http.client import ServiceWords
from adapters.http.keys import keys_of
from adapters.openai import completions

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from adapters.contract import ChatRequest, Delta, ProbeResult
    from adapters.contract.errors import AdapterError
    from adapters.http import Session, WholeAnswer
    from adapters.http.keys import ApiKey


class OpenAICompatible(HTTPAdapter):
    """A service with an OpenAI-compatible API.

    Messages go out as the caller gave them, with tool calls, results and images. Options are those of OpenAI;
    further fields of the body go into the request's `extra`, under this provider's name.

    Args:
        base_url: What `/chat/completions` comes after, such as `https://api.example.org/v1`.
        api_key: Sent as `Authorization: Bearer`; None sends none. A function or async function is asked for
            it before the first attempt, and once more when the service refuses what it gave; a plain one runs
            in a worker thread, and each has 10 s. A service that wants the key in another header gets it by
            `headers`.
        api_keys: Several keys in place of `api_key`, used in turn: one that is limited, used up or refused
            is passed over while the others serve.
        settings: See `HTTPSettings`. Without a `model` the choice is left to the service; most want one.

    Raises:
        TypeError: A setting is unknown.
        ValueError: `base_url`, the key or a setting cannot be used; the message says why.
    """

    name = "openai"
    _words = ServiceWords("an OpenAI-compatible API (its address often ends in /v1)", key="api_key")
    capabilities = completions.CAPABILITIES

    def __init__(
        self,
        base_url: str,
        *,
        api_key: ApiKey | None = None,
        api_keys: Sequence[ApiKey] | None = None,
        **settings: Unpack[HTTPSettings],
    ) -> None:
        self._keys = keys_of(api_key, api_keys)
        super().__init__(base_url, **settings)

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Ask for a completion, and yield it.

        Raises:
            AdapterError: See `adapters.openai.completions`.
        """
        return completions.converse(self, self._session(request.conditions), request)

    def _explain(self, answer: WholeAnswer) -> AdapterError | None:
        """Return the error that an error object stands for."""
        return completions.explain(answer)

    async def _reach(self, session: Session) -> ProbeResult:
        """Ask for the list of models, which costs no generation."""
        return await completions.reach(session)
