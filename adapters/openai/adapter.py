"""Any service that speaks OpenAI's chat completions: most of the living ones, hosted or local."""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Unpack, cast

from adapters.contract.errors import InvalidRequest, ModelNotFound
from adapters.http import HTTPAdapter, HTTPSettings
from adapters.http.client import ServiceWords
from adapters.http.keys import bearer, keys_of
from adapters.http.settings import no_setting, parameters_of
from adapters.openai import completions
from adapters.openai.dialect import OWN, Dialect, OpenAISettings, capabilities_of, in_effect

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

    from adapters.contract import ChatRequest, Delta, ProbeResult
    from adapters.contract.errors import AdapterError
    from adapters.http import Session, WholeAnswer
    from adapters.http.keys import ApiKey


_NO_MODEL: Final = re.compile(
    r"(?i)\b(?:provide|specify|missing|requires?)\b.{0,30}\bmodel\b|\bmodel\b.{0,30}\brequired\b"
)
"""What services say where a request names no model, such as OpenAI: you must provide a model parameter."""


class OpenAICompatible(HTTPAdapter):
    """A service with an OpenAI-compatible API.

    Messages go out as the caller gave them, with tool calls, results and images. Options are those of OpenAI;
    further fields of the body go into the request's `extra`, under this provider's name.

    `OpenAICompatible.preset("groq", model=…)` knows the address, the key's variable and the peculiarities of
    a known service or server; `chat-router providers` lists them.

    Args:
        base_url: What `/chat/completions` comes after, such as `https://api.example.org/v1`.
        api_key: Sent as `Authorization: Bearer`, or in the header `key_header`; None sends none. A function
            or async function is asked for it before the first attempt, and once more when the service refuses
            what it gave; a plain one runs in a worker thread, and each has 10 s.
        api_keys: Several keys in place of `api_key`, used in turn: one that is limited, used up or refused
            is skipped while the others serve.
        settings: See `OpenAISettings` and `HTTPSettings`. Without a `model` the choice is left to the
            service; most want one.

    Attributes:
        peculiarities: The settings in effect that are named in `OpenAISettings`, by name.

    Raises:
        TypeError: A setting is unknown, or of another type.
        ValueError: `base_url`, the key or a setting cannot be used; the message says why.
    """

    name = "openai"
    _words = ServiceWords("an OpenAI-compatible API (its address often ends in /v1)", key="api_key")
    _model_named_by = "model="
    """What a user changes where the service does not have the model."""
    capabilities = completions.CAPABILITIES

    def __init__(
        self,
        base_url: str,
        *,
        api_key: ApiKey | None = None,
        api_keys: Sequence[ApiKey] | None = None,
        **settings: Unpack[OpenAISettings],
    ) -> None:
        _refuse_preset(base_url)
        own: dict[str, Any] = {name: value for name, value in settings.items() if name in OWN}
        dialect = self._dialect = Dialect.of(own)
        self.capabilities = capabilities_of(completions.CAPABILITIES, own)
        self.peculiarities = MappingProxyType(in_effect(dialect, own))
        self._keys = keys_of(api_key, api_keys, _carried_in(dialect.key_header))
        rest = {name: value for name, value in settings.items() if name not in OWN}
        super().__init__(base_url, **cast("HTTPSettings", rest))

    @classmethod
    def preset(
        cls,
        preset: str,
        /,
        *,
        base_url: str | None = None,
        api_key: ApiKey | None = None,
        api_keys: Sequence[ApiKey] | None = None,
        environ: Mapping[str, str] | None = None,
        **settings: Unpack[OpenAISettings],
    ) -> OpenAICompatible:
        """Return the adapter of a known service or server, such as `"groq"` or `"ollama"`.

        The settings given here win over those of the preset; mappings (`rename`, `roles`, `body`, `query`,
        `capabilities`, `headers`) are merged key by key. A service that has ended warns at once, and begins
        as not working, so that the router skips it and says why, until a probe finds it answering.

        Args:
            preset: The name of a row of `adapters.openai.presets.PRESETS`, in any usual spelling.
            base_url: Another address than the usual one; Azure needs one: `https://NAME.openai.azure.com`.
            api_key: The key. Without one it is read from the service's usual variable, such as
                `GROQ_API_KEY`. That happens for the service's own https address only: no key of a variable
                is ever sent to another address.
            api_keys: Several keys, as of the class.
            environ: Where the variable is looked up, and `CHAT_ROUTER_<NAME>_MODEL`; the environment of the
                process by default.
            settings: See `OpenAISettings` and `HTTPSettings`. `name` is the preset's by default, and `model`
                the one of that variable, else the preset's usual one, where there is one.

        Raises:
            LookupError: No preset has this name; the message shows the nearest one.
            TypeError: A setting is unknown, or of another type.
            ValueError: A key or address is missing, or a setting cannot be used; the message says why.
        """
        from adapters.openai.presets import has_ended

        if ended := has_ended(preset, base_url):
            warnings.warn(f"{preset}: {ended}", stacklevel=2)
        variables = os.environ if environ is None else environ
        return cls._known(preset, base_url, variables, api_key=api_key, api_keys=api_keys, **settings)

    @classmethod
    def _known(
        cls,
        preset: str,
        base_url: str | None,
        environ: Mapping[str, str],
        *,
        api_key: ApiKey | None = None,
        api_keys: Sequence[ApiKey] | None = None,
        **settings: Unpack[OpenAISettings],
    ) -> OpenAICompatible:
        """Do as `preset` does without its warning, for what tells in another way that a service has ended."""
        from adapters.openai.presets import has_ended, model_variable, named, settings_for

        made = cls(**settings_for(preset, base_url, api_key, environ, settings, api_keys))
        row = named(preset)
        made._model_named_by = f"model= or {model_variable(row.name)}"
        made._client.is_usual = made.base_url == row.base_url
        if ended := has_ended(preset, base_url):
            made._standing = replace(made._standing, working=False, reason=ended)
        return made

    def _refuse_unknown(self, settings: HTTPSettings) -> None:
        """Raise for an unknown setting, with the nearest of all that there are."""
        for name, value in settings.items():
            if name not in HTTPSettings.__annotations__:
                raise TypeError(no_setting(type(self), name, value, parameters_of(type(self)) | OWN))

    def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        """Ask for a completion, and yield it.

        Raises:
            AdapterError: See `adapters.openai.completions`.
        """
        return completions.converse(self, self._session(request.conditions), request, self._dialect)

    def _explain(self, answer: WholeAnswer) -> AdapterError | None:
        """Return the error that an error object stands for, and how to name a model where it wants one."""
        error = completions.explain(answer)
        if isinstance(error, ModelNotFound):
            error.args = (f"{error}; name another model with {self._model_named_by}",)
        elif isinstance(error, InvalidRequest) and self.model is None and _NO_MODEL.search(str(error)):
            error.args = (f"{error}; this provider has no model: pass {self._model_named_by}",)
        return error

    async def _reach(self, session: Session) -> ProbeResult:
        """Ask for the list of models, which costs no generation."""
        return await completions.reach(session, self._dialect)


def _refuse_preset(base_url: object) -> None:
    """Look whether an address is the name of a preset.

    Raises:
        ValueError: It is.
    """
    if isinstance(base_url, str) and ":" not in base_url:
        from adapters.openai.presets import known

        if (row := known(base_url)) is not None:
            raise ValueError(
                f"base_url must begin with http:// or https:// and name a host; or write "
                f"OpenAICompatible.preset({row.name!r}), which knows the address"
            )


def _carried_in(header: str) -> Callable[[str], tuple[tuple[str, str], ...]]:
    """Return what makes the header that carries a key: with its scheme only in the usual one."""
    return bearer if header == "authorization" else lambda key: ((header, key),)


OpenAICompatible.__module__ = "adapters"
