"""Providers as they are written on the command line: `--provider [LABEL:]SERVICE[=URL][#MODEL]`.

A known service or server needs no address: `--provider groq#MODEL`. Its key then comes from its usual
variable too, such as `GROQ_API_KEY`, and is sent to no other address.

Secrets come from the environment, never from arguments, which every user of a machine can read. Their names
are made of the provider's name, which is its label or else its service: `CHAT_ROUTER_<NAME>_API_KEY`,
`CHAT_ROUTER_<NAME>_SESSION_TOKEN`, and `CHAT_ROUTER_<NAME>_COOKIE` (`name=value; other=value`).
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from adapters import catalogue
from adapters.contract.secret import Secret
from adapters.openai.presets import AMBIGUOUS, PRESETS, known, takes_key_from, unknown
from router.cli.mistakes import Mistake, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from adapters.contract import Adapter

_LABEL: Final = re.compile(r"[A-Za-z0-9_.-]+")
_EXAMPLE: Final = "--provider h2o=https://chat.example.org"
_AZURE: Final = "azure=https://NAME.openai.azure.com#DEPLOYMENT"
_SECRETS: Final = {"API_KEY": ("api_key", "key"), "SESSION_TOKEN": ("session_token",)}
"""End of a variable's name -> the constructor's parameters that it may be."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One provider as the user wrote it.

    Attributes:
        name: Its name in the router: the label, or else the service.
        service: The adapter's short name, or the preset's.
        url: Where it is; None for the usual address of a preset.
        model: The model asked for where the request names none, if one was given.
    """

    name: str
    service: str
    url: str | None
    model: str | None = None

    @property
    def prefix(self) -> str:
        """What the names of its environment variables begin with."""
        return f"CHAT_ROUTER_{re.sub(r'[^A-Z0-9]', '_', self.name.upper())}_"


def parse(text: str) -> Wanted:
    """Read one `[LABEL:]SERVICE[=URL][#MODEL]`.

    Raises:
        Mistake: It is written differently, or the service is unknown.
    """
    named, sign, rest = _cut(text)
    label, colon, service = named.rpartition(":")
    preset = None if service in catalogue.BUILT_IN else known(service)
    preset = preset or (PRESETS.get(service) if sign != "=" else None)
    if "://" in named or (sign != "=" and colon and preset is None):
        raise Mistake(
            f"--provider needs a service before the address, as in {_EXAMPLE}; "
            f"there are: {', '.join((*catalogue.names(), *catalogue.presets()))}"
        )
    if preset is not None:
        service = preset.name
    elif service not in catalogue.names():
        raise Mistake(_unknown_service(service))
    url, _, model = rest.strip().partition("#") if sign == "=" else ("", "", rest)
    if not url and (preset is None or sign == "="):
        raise Mistake(f"--provider {named} has no address; write --provider {named}=https://…")
    if not url and preset is not None and preset.base_url is None:
        raise Mistake(f"--provider {named} has no address; write --provider {_AZURE}")
    name = label if colon else service
    if not _LABEL.fullmatch(name):
        raise Mistake(f"{name!r} cannot be a provider's name; use letters, digits, dots and dashes")
    return Wanted(name, service, url or None, model or None)


def completed(incomplete: str) -> list[str]:
    """Return the names of services that begin with what is written so far, for the shell."""
    label, colon, begun = incomplete.rpartition(":")
    names = {*catalogue.names(), *PRESETS}
    return sorted(f"{label}{colon}{name}" for name in names if name.startswith(begun))


def _cut(text: str) -> tuple[str, str, str]:
    """Return what stands before the first `=` or `#`, that sign, and the rest: a model may have both."""
    at = min((place for sign in "=#" if (place := text.find(sign)) >= 0), default=len(text))
    return text[:at], text[at : at + 1], text[at + 1 :]


def _unknown_service(service: str) -> str:
    from router.config.providers import nearest_adapter  # loads httpx, which help must not wait for

    if service.lower() in AMBIGUOUS:
        return f"unknown service {service!r}; {unknown(service)}"
    near = nearest_adapter(service)
    label = service if _LABEL.fullmatch(service) else "LABEL"
    openai = f"for an OpenAI-compatible API write --provider {label}:openai=URL#MODEL."
    hint = f"did you mean {near!r}?" if near else openai
    there = ", ".join((*catalogue.names(), *catalogue.presets()))
    return f"unknown service {service!r}; {hint} There are: {there}"


def make_all(texts: Iterable[str], environment: Mapping[str, str]) -> list[Adapter]:
    """Return the adapters of all `--provider` options, in their order.

    Raises:
        Mistake: There is none, two have the same name, or one cannot be made.
    """
    wanted = [parse(text) for text in texts]
    if not wanted:
        raise Mistake(f"name at least one provider, as in {_EXAMPLE}, or a file of them with --config")
    names = [each.name for each in wanted]
    for each in wanted:
        if names.count(each.name) > 1:
            raise Mistake(
                f"two providers are called {each.name!r}; give one a name of its own, as in "
                f"--provider backup:{each.service}=URL"
            )
    return [make(each, environment) for each in wanted]


def make(wanted: Wanted, environment: Mapping[str, str]) -> Adapter:
    """Return the adapter of `wanted`, with its secrets from `environment`.

    Raises:
        Mistake: The address or a secret cannot be used. What may hold a password is not quoted.
    """
    if "@" in (wanted.url or "").partition("://")[2].partition("/")[0]:
        raise Mistake(
            f"the address of {wanted.name} holds a user name or password; "
            f"secrets come from the environment, such as {wanted.prefix}API_KEY"
        )
    adapter = cast("Callable[..., Adapter]", catalogue.load(wanted.service))
    settings: dict[str, Any] = {"name": wanted.name, **_secrets(wanted, adapter, environment)}
    if wanted.model is not None:
        settings["model"] = wanted.model
    preset = known(wanted.service)
    if preset is not None and wanted.service in catalogue.BUILT_IN and not takes_key_from(preset, wanted.url):
        preset = None  # openai=URL is any service with such an API
    try:
        if preset is not None:
            return _preset(preset.name, wanted.url, environment, settings)
        return adapter(wanted.url, **settings)
    except (TypeError, ValueError) as error:
        text = one_line(str(error)).replace("its base_url", "its address", 1)
        text = text.replace("base_url", "the address", 1)
        text = text.replace("or give api_key", f"or {wanted.prefix}API_KEY", 1)
        raise Mistake(f"--provider {wanted.name}: {text}") from None


def _preset(
    name: str, url: str | None, environment: Mapping[str, str], settings: Mapping[str, Any]
) -> Adapter:
    from adapters.openai import OpenAICompatible

    # That a service has ended stands in the ledger; Python's way of warning is none for a terminal.
    return OpenAICompatible._known(name, url, environment, **settings)  # noqa: SLF001 - as above


def _secrets(
    wanted: Wanted, adapter: Callable[..., Adapter], environment: Mapping[str, str]
) -> dict[str, Any]:
    from adapters.http import HTTPAdapter

    found: dict[str, Any] = {}
    parameters = inspect.signature(adapter).parameters
    for ending, choices in _SECRETS.items():
        value = environment.get(wanted.prefix + ending)
        if not value:
            continue
        taken = [name for name in choices if name in parameters]
        if not taken:
            raise Mistake(f"{wanted.prefix}{ending} is set, but {wanted.service} does not take it; unset it")
        is_key = taken[0] == "api_key" and isinstance(adapter, type) and issubclass(adapter, HTTPAdapter)
        found[taken[0]] = Secret(value, origin=wanted.prefix + ending) if is_key else value
    cookie = environment.get(f"{wanted.prefix}COOKIE")
    if cookie:
        pairs = [pair.partition("=") for pair in cookie.split(";")]
        if not all(equals for _, equals, _ in pairs):
            raise Mistake(f"{wanted.prefix}COOKIE is not written as 'name=value; other=value'")
        found["cookies"] = {name.strip(): value.strip() for name, _, value in pairs}
    return found
