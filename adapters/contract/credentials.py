"""What one request brings along for one provider: headers and a key, checked, and never shown."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, TypeVar

from adapters.contract.message import EMPTY
from adapters.contract.secret import CREDENTIALS, Secret

T = TypeVar("T")

_OF_THE_TRANSPORT: Final = frozenset({
    "connection", "content-length", "expect", "host", "keep-alive", "te", "trailer", "transfer-encoding",
    "upgrade",
})  # fmt: skip
"""Headers that say how a message is carried. A request that set one could change where a message ends."""
_OF_THIS_PROCESS: Final = os.urandom(32)
"""Makes digests of credentials that can be compared with nothing outside of this process."""


def secret_of(what: str, value: str | Secret) -> Secret:
    """Return a secret value; an error names what it is, and never shows it.

    Raises:
        TypeError: It is no text.
        ValueError: It is empty or has a control character.
    """
    try:
        return Secret(value)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{what}: {error}") from None


def token_of(name: str, kind: str) -> str:
    """Return a header's or cookie's name.

    Raises:
        ValueError: RFC 9110 does not allow it.
    """
    if not isinstance(name, str) or not name or not all(c.isalnum() or c in "!#$%&'*+-.^_`|~" for c in name):
        raise ValueError(f"{name!r} cannot be the name of a {kind}")
    if not name.isascii():
        raise ValueError(f"{name!r} cannot be the name of a {kind}: ASCII only")
    return name


def header_of(name: str, value: str | Secret) -> Secret:
    """Return a header's value as a secret.

    Raises:
        TypeError: It is no text.
        ValueError: HTTP does not carry it.
    """
    secret = secret_of(f"the value of the header {name!r}", value)
    if not secret.reveal().isascii():
        raise ValueError(f"the value of the header {name!r} is not ASCII, which HTTP does not carry")
    return secret


def key_of(setting: str, value: str | Secret) -> Secret:
    """Return a key as a secret.

    Args:
        setting: What gives it, for messages.
        value: What is given.

    Raises:
        TypeError: It is no text.
        ValueError: HTTP does not carry it.
    """
    try:
        return header_of("authorization", value)
    except (TypeError, ValueError) as error:
        said = str(error).partition(": ")[2] or "it is not ASCII, which HTTP does not carry"
        raise type(error)(f"{setting}: {said}") from None


def headers_by_provider(given: Any) -> Mapping[str, Mapping[str, str | Secret]]:
    """Return the headers that a request brings along: provider name -> header -> value.

    Raises:
        TypeError: It is no mapping of mappings, or a value is no text.
        ValueError: HTTP does not carry a header, or it belongs to the transport.
    """
    found = {}
    for provider, headers in _by_provider("headers", given, "mappings of headers").items():
        if not isinstance(headers, Mapping):
            raise TypeError(
                f"headers[{provider!r}] is {type(headers).__name__}; pass a mapping, such as "
                f"headers={{{provider!r}: {{'x-tenant': '7'}}}}"
            )
        for name, value in headers.items():
            header_of(token_of(name, "header"), value)
            if name.lower() in _OF_THE_TRANSPORT:
                raise ValueError(
                    f"headers[{provider!r}] has {name!r}, which only the transport sets; leave it out"
                )
        found[provider] = MappingProxyType({name.lower(): value for name, value in headers.items()})
    return MappingProxyType(found) if found else EMPTY


def keys_by_provider(given: Any) -> Mapping[str, Secret]:
    """Return the keys that a request brings along: provider name -> key.

    Raises:
        TypeError: It is no mapping of text.
        ValueError: A header cannot carry the key.
    """
    if isinstance(given, str | Secret):
        raise TypeError("api_key is one key; say for which provider: api_key={'name': key}")
    found = {}
    for provider, key in _by_provider("api_key", given, "keys").items():
        found[provider] = key_of(f"api_key[{provider!r}]", key)
    return MappingProxyType(found) if found else EMPTY


def models_by_provider(given: Any) -> Mapping[str, str]:
    """Return the models that a request asks for: provider name -> model.

    Raises:
        TypeError: It is no mapping of names.
    """
    found = dict(_by_provider("models", given, "models").items())
    for provider, model in found.items():
        if not isinstance(model, str) or not model.strip():
            kind = "blank" if isinstance(model, str) else type(model).__name__
            raise TypeError(f"models[{provider!r}] is {kind}; pass the model's name")
    return MappingProxyType(found) if found else EMPTY


def is_of_an_account(headers: Mapping[str, str | Secret]) -> bool:
    """Whether headers say on whose account a request runs: one is named as credentials are."""
    return any(CREDENTIALS.search(name) for name in headers)


def account_of(key: Secret | None, headers: Mapping[str, str | Secret]) -> bytes | None:
    """Return a digest that is the same for the same account, or None where the configured one is asked.

    Args:
        key: That a request brings along.
        headers: That it brings along; those that are named as credentials are count.
    """
    named = sorted((name, value) for name, value in headers.items() if CREDENTIALS.search(name))
    if key is None and not named:
        return None
    from hashlib import blake2b  # with OpenSSL; most requests bring no account along

    digest = blake2b(key=_OF_THIS_PROCESS, digest_size=16)
    for name, value in (("", key or ""), *named):
        text = value.reveal() if isinstance(value, Secret) else value
        for part in (name.encode(), text.encode("utf-8", "surrogatepass")):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _by_provider(setting: str, given: Mapping[str, T], what: str) -> Mapping[str, T]:
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise TypeError(f"{setting} must be a mapping of provider names to {what}")
    return given
