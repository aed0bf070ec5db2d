"""Anthropic's Messages API, and the services that imitate it."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Unpack

from adapters.anthropic import exchange
from adapters.anthropic.body import OPTIONS, SAMPLING, Dialect, request_body
from adapters.anthropic.models import NO_SAMPLING_SINCE
from adapters.anthropic.tools import StructuredOutput  # noqa: TC001 - settings of files are made of annotations
from adapters.contract import Capabilities
from adapters.http import HTTPAdapter, HTTPSettings
from adapters.http.client import ServiceWords
from adapters.http.keys import keys_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from adapters.contract import ChatRequest, Delta, ProbeResult
    from adapters.contract.errors import AdapterError
    from adapters.http import Session, WholeAnswer
    from adapters.http.keys import ApiKey

PUBLIC: Final = "https://api.anthropic.com"
VERSION: Final = "2023-06-01"
"""Of the two versions of the API that are served today the one that imitators know, too, and that still takes
a temperature for the models that have one. https://platform.claude.com/docs/en/api/versioning"""

_VERSION: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_BETA: Final = re.compile(r"[A-Za-z0-9._-]+")


class Anthropic(HTTPAdapter):
    """Anthropic's Messages API, or a service with the same API.

    Messages, tools and options are given as to OpenAI, and so are the deltas; `adapters.anthropic.history`
    and `adapters.anthropic.body` say what becomes of each. Fields that only this API has (`thinking`,
    `cache_control`, `container`, …) go into the request's `extra`, under this provider's name.

    Args:
        base_url: Where `/v1/messages` is; with or without `/v1` at its end.
        api_key: Sent as `x-api-key`; None sends none. A function is asked for it, as of `OpenAICompatible`.
        api_keys: Several keys in place of `api_key`, used in turn.
        auth_token: Sent as `Authorization: Bearer` instead, for OAuth and for relays that want it so.
        max_tokens: The most tokens of a reply where a request does not say. The API demands a number; None:
            the most that the model writes, told by its name.
        version: Of the API, sent as `anthropic-version`. From `2026-10-21` on temperature, top_p and top_k
            are not taken.
        betas: Names of beta features, sent as `anthropic-beta`.
        structured_output: How a reply of a given JSON schema is asked for: `native` (`output_config`), `tool`
            (the model has to call a tool whose input is the reply), or `auto`, by the model's name.
        settings: See `HTTPSettings`. `model` is needed, unless each request names one.

    Raises:
        TypeError: A setting is unknown or of a wrong type.
        ValueError: `base_url`, a key or a setting cannot be used; the message says why.
    """

    name = "anthropic"
    _words = ServiceWords("Anthropic's Messages API, or one like it", key="api_key")
    capabilities = Capabilities(tools=True, images=True, options=OPTIONS, cache_control=True)

    def __init__(
        self,
        base_url: str = PUBLIC,
        *,
        api_key: ApiKey | None = None,
        api_keys: Sequence[ApiKey] | None = None,
        auth_token: ApiKey | None = None,
        max_tokens: int | None = None,
        version: str = VERSION,
        betas: Sequence[str] = (),
        structured_output: StructuredOutput = "auto",
        **settings: Unpack[HTTPSettings],
    ) -> None:
        if auth_token is not None and (api_key is not None or api_keys is not None):
            raise ValueError("auth_token is given beside a key; pass api_key, api_keys or auth_token")
        if auth_token is not None:
            self._keys = keys_of(auth_token, None)
        else:
            self._keys = keys_of(api_key, api_keys, lambda key: (("x-api-key", key),))
        if structured_output not in ("auto", "native", "tool"):
            raise ValueError(
                f"structured_output is {structured_output!r}; it must be 'auto', 'native' or 'tool'"
            )
        self._dialect = Dialect(_version_of(version), _count_of(max_tokens), structured_output)
        self._headers = (("anthropic-version", version), *_betas_of(betas))
        super().__init__(base_url, **settings)
        self._prefix = "" if self.base_url.rstrip("/").endswith("/v1") else "/v1"
        if version >= NO_SAMPLING_SINCE:
            self.capabilities = replace(self.capabilities, options=OPTIONS - SAMPLING)

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Ask for a message, and yield it.

        Raises:
            AdapterError: See `adapters.anthropic.exchange`.
        """
        return exchange.converse(
            self._session(request.conditions),
            request,
            lambda: request_body(
                request, self.model_for(request), self._dialect, self.capabilities.options, self.name
            ),
            f"{self._prefix}/messages",
            self._headers,
        )

    def _explain(self, answer: WholeAnswer) -> AdapterError | None:
        """Return the error that an error object stands for."""
        return exchange.explain(answer, self._client.shown)

    async def _reach(self, session: Session) -> ProbeResult:
        """Ask for the list of models, which costs no generation."""
        return await exchange.reach(session, f"{self._prefix}/models", self._headers)


def _version_of(version: str) -> str:
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise ValueError(f"version is {version!r}; write it as a date, such as {VERSION!r}")
    return version


def _count_of(max_tokens: int | None) -> int | None:
    if max_tokens is None:
        return None
    if not isinstance(max_tokens, int) or isinstance(max_tokens, bool):
        raise TypeError(f"max_tokens is {type(max_tokens).__name__}; pass a whole number")
    if max_tokens < 1:
        raise ValueError(f"max_tokens is {max_tokens}; it must be at least 1")
    return max_tokens


def _betas_of(betas: Sequence[str]) -> tuple[tuple[str, str], ...]:
    if isinstance(betas, str):
        raise TypeError(f"betas is text; pass a list of names, for example [{betas!r}]")
    if not all(isinstance(beta, str) and _BETA.fullmatch(beta) for beta in betas):
        raise ValueError(
            "betas has a name that cannot stand in the header anthropic-beta; "
            "write each as in the documentation, such as 'context-management-2025-06-27'"
        )
    return (("anthropic-beta", ",".join(betas)),) if betas else ()
