"""The settings that every HTTP adapter takes, and the checks of their values."""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping
from inspect import signature
from typing import TYPE_CHECKING, Any, Final, TypedDict, cast
from urllib.parse import quote

import httpx

from adapters.contract.credentials import header_of as header_of
from adapters.contract.credentials import secret_of as secret_of
from adapters.contract.credentials import token_of as token_of
from adapters.contract.errors import BadReply
from adapters.contract.keywords import meant_by
from adapters.contract.message import nearest
from adapters.contract.options import OPTIONS
from adapters.contract.secret import CREDENTIALS, Plain, Secret
from adapters.http.certificates import Certificates
from adapters.http.limits import Limits

if TYPE_CHECKING:
    from adapters.http.cookies.source import CookieSource


HARMLESS_HEADER: Final = re.compile(r"(?:(?:[A-Za-z]{1,12}|[0-9]{1,4})(?:[^A-Za-z0-9]+|\Z))+")
"""A value that is made of words and small numbers, such as `application/json` or `2023-06-01`."""
_ADDRESS: Final = re.compile(
    r"(?:(?P<here>localhost|127(?:\.[0-9]{1,3}){3})|(?:[a-z0-9-]{1,40}\.){1,4}[a-z]{2,12})"
    r"(?::[0-9]{1,5})?(?:/(?:[a-z]{1,12}|v[0-9]{1,3}[a-z]{0,4}))*/?"
)
"""An address without its scheme that is worth repeating: it cannot be a key that was given in its place."""
_ENDPOINTS: Final = ("/chat/completions", "/messages", "/responses")
"""What the adapters put behind `base_url`; a user who copies a whole address gives it, too."""
HARMLESS_COOKIE: Final = re.compile(r"[A-Za-z]{1,8}|[0-9]{1,4}")
"""One short word or number, such as `dark`. What a cookie holds is more often a session than a choice."""


_PLACEHOLDERS: Final = frozenset({
    "lm-studio", "no-key-required", "sk-no-key-required", "not-needed", "not-required", "anything",
    "anonymous", "llama-cpp", "llama.cpp", "localhost", "placeholder", "openrouter", "anthropic", "undefined",
})  # fmt: skip
"""What is given as a key where a server needs none, and names of services."""


class HTTPSettings(TypedDict, total=False):
    """The keyword parameters that every HTTP adapter takes.

    Attributes:
        name: The provider's name in the router; the adapter's short name by default.
        model: The model asked for where a request names none.
        models: The caller's model names -> the service's.
        proxy: URL of a proxy: http, https, socks5 or socks5h.
        cookies: Cookies to send with each request; masked as headers are. A mapping, the path of a file that
            a browser exported (Netscape cookies.txt or JSON), or `BrowserCookies("firefox")`; of the last two
            only what a browser would send to `base_url`.
        headers: Headers to send with each request. Their values are masked wherever a service quotes them,
            unless they are `Plain` or everyday words.
        transport: An `httpx.AsyncBaseTransport` to use instead of the network.
        verify: False switches TLS checks off, with a warning and a note in health reports; an
            `ssl.SSLContext` replaces the default one, and so do PEM files:
            `{"ca": "ca.pem", "cert": "client.pem", "key": "client.key"}`, each where it is needed.
        http2: Speak HTTP/2, over httpx's transport with the extra `http2`, and nothing else: for a service
            that wants it. Off by default: for streams it is no faster.
        trust_env: Take proxies and certificates from the environment. Off by default.
        connect_timeout: Seconds for one connection, name look-up and TLS included (5).
        cleanup_timeout: Seconds for what is cleaned up at the service after a reply (1).
        limits: See `Limits`.
        concurrency: Replies that may run at the same time; `Limits.connections` by default.
        requests_per_minute: Attempts and probes for an answer in any 60 s; no limit by default.
        tokens_per_minute: Tokens of messages and replies in any 60 s; no limit by default.
        daily_requests: Attempts and probes for an answer in a day of UTC; no limit by default.
        budget: What may be spent in a day of UTC, one currency and its amount, as `{"usd": 5}`.
        first_content: Seconds that this provider has for its first content, in place of the router's
            `Timeouts.first_content`: longer for a cold local model, shorter for a quick one.
        stall: Seconds from one content to the next, in place of the router's `Timeouts.stall`.
    """

    name: str
    model: str | None
    models: Mapping[str, str]
    proxy: str | None
    cookies: CookieSource
    headers: Mapping[str, str | Secret]
    transport: httpx.AsyncBaseTransport | None
    verify: Any
    http2: bool
    trust_env: bool
    connect_timeout: float
    cleanup_timeout: float
    limits: Limits
    concurrency: int | None
    requests_per_minute: int | None
    tokens_per_minute: int | None
    daily_requests: int | None
    budget: Mapping[str, float]
    first_content: float | None
    stall: float | None


def parameters_of(kind: type) -> frozenset[str]:
    """Return the names of all keyword parameters that the constructor of a class of adapters takes."""
    own = {
        name
        for base in kind.__mro__
        if "__init__" in vars(base)
        for name, parameter in signature(base.__init__).parameters.items()  # type: ignore[misc] # of a class
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    }
    return frozenset(own - {"self"} | set(HTTPSettings.__annotations__))


def no_setting(kind: type, name: str, value: object, known: frozenset[str]) -> str:
    """Return what to tell of a keyword that the constructor of a class of adapters does not take.

    Args:
        kind: The class.
        name: The keyword.
        value: What was given for it; only a number is repeated.
        known: The keywords that it takes.
    """
    head = f"{kind.__name__} has no setting {name!r}"
    if name in OPTIONS:
        shown = repr(value) if isinstance(value, int | float) else "…"
        return f"{head}: it is an option of a request; write router.complete(messages, {name}={shown})"
    return head + (meant_by(kind.__name__, name, value, known) or nearest(name, known))


def flag_of(setting: str, value: object) -> bool:
    """Return True or False.

    Raises:
        TypeError: It is neither.
    """
    if not isinstance(value, bool):
        raise TypeError(f"{setting} is {type(value).__name__}; pass True or False")
    return value


def verify_of(value: object) -> bool | ssl.SSLContext:
    """Return how certificates are checked.

    Raises:
        TypeError: It is neither True, False, an `ssl.SSLContext` nor a mapping of files.
        ValueError: A file cannot be used; the message says which and why.
    """
    if isinstance(value, bool | ssl.SSLContext):
        return value
    if isinstance(value, Mapping):
        return Certificates.of(value).context()
    if isinstance(value, Certificates):
        return value.context()
    raise TypeError(
        f"verify is {type(value).__name__}; pass True, False or an ssl.SSLContext, such as "
        "ssl.create_default_context(cafile='ca.pem'), or files, such as {'ca': 'ca.pem'}"
    )


def is_unchecked(verify: object) -> bool:
    """Whether no certificate is checked."""
    return verify is False or (isinstance(verify, ssl.SSLContext) and verify.verify_mode is ssl.CERT_NONE)


def hidden_of(
    given: list[tuple[Any, Any]], values: Mapping[str, Secret], harmless: re.Pattern[str]
) -> list[Secret]:
    """Return the values of headers or cookies that must not be shown.

    Args:
        given: Names and values as given.
        values: Name -> value.
        harmless: Matches a value that is no secret where its name does not say so.
    """
    return [values[name] for name, value in given if _is_secret(name, value, harmless)]


def hidden_headers(headers: Mapping[str, str | Secret]) -> list[Secret]:
    """Return the values of a request's own headers that must not be shown."""
    values = {name: Secret(value) for name, value in headers.items()}
    return hidden_of(list(headers.items()), values, HARMLESS_HEADER)


def shown_never(secrets: list[Secret]) -> list[Secret]:
    """Return the secrets but those that only stand where a server needs none."""
    return [secret for secret in secrets if not is_placeholder(secret.reveal())]


def _is_secret(name: str, value: str | Secret, harmless: re.Pattern[str]) -> bool:
    if isinstance(value, Secret) or CREDENTIALS.search(name):
        return True
    return not isinstance(value, Plain) and not harmless.fullmatch(value)


def is_placeholder(value: str) -> bool:
    """Whether a key, with or without its scheme, only stands where a server needs none."""
    return value.rpartition(" ")[2].lower() in _PLACEHOLDERS


def segment(value: object) -> str:
    """Return an id of a peer as one path segment, percent-encoded; `.` and `..` cannot be one.

    Raises:
        BadReply: It is no text, empty, too long, or a dot segment.
    """
    if not isinstance(value, str) or not 0 < len(value) <= 200 or value in (".", ".."):
        raise BadReply("the service gave an id that is not one")
    return quote(value, safe="", errors="replace")


def base_of(value: object) -> httpx.URL:
    """Return the base URL of a service.

    Raises:
        TypeError: It is no text.
        ValueError: It is no http(s) address with a host, or carries credentials, a query or a fragment.
    """
    if not isinstance(value, str):
        raise TypeError(f"base_url is {type(value).__name__}; pass text such as 'https://chat.example.org'")
    try:
        url = httpx.URL(value.strip())
    except httpx.InvalidURL as error:
        raise ValueError(f"base_url cannot be read as a URL: {error}") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"base_url must begin with http:// or https:// and name a host{_completed(value)}")
    if url.port is not None and not 0 < url.port < 1 << 16:
        raise ValueError(f"base_url has the port {url.port}; ports are 1 to 65535")
    if url.userinfo:
        raise ValueError("base_url holds a user name or password; pass cookies, headers or api_key instead")
    whole = next((end for end in _ENDPOINTS if url.path.rstrip("/").endswith(end)), None)
    if whole is not None:
        raise ValueError(f"base_url ends in {whole!r}, which is added to it; leave out {whole!r}")
    if url.query or url.fragment:
        raise ValueError("base_url has a query or fragment; give scheme, host, port and path prefix only")
    return url


def _completed(value: str) -> str:
    """Return what to write for an address without its scheme; nothing where it may be a secret instead."""
    given = value.strip()
    found = _ADDRESS.fullmatch(given)
    if found is None:
        return ""
    scheme = "http" if found["here"] else "https"
    return f"; got {given!r}, write '{scheme}://{given}'"


def name_of(value: object) -> str:
    """Return a provider's name.

    Raises:
        ValueError: It is empty or not printable.
    """
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError(f"name is {value!r}; give the provider a short printable name")
    return value


def model_of(value: object) -> str | None:
    """Return the service's name of the model that is asked where a request names none.

    Raises:
        TypeError: It is neither text nor None.
        ValueError: It is empty.
    """
    if value is not None and not isinstance(value, str):
        raise TypeError(f"model is {type(value).__name__}; pass the service's name of a model, or None")
    if value is not None and not value.strip():
        raise ValueError("model is empty; pass the service's name of a model, or leave it out")
    return value


def limits_of(value: object) -> Limits:
    """Return what bounds one provider's connections and replies.

    Raises:
        TypeError: It is no `Limits`.
    """
    if not isinstance(value, Limits):
        raise TypeError(f"limits is {type(value).__name__}; pass adapters.Limits, as Limits(connections=20)")
    return value


def transport_of(value: object) -> httpx.AsyncBaseTransport | None:
    """Return the transport of httpx that carries all requests, or None.

    Raises:
        TypeError: It is neither None nor something with httpx's method for a request.
    """
    if value is not None and not callable(getattr(value, "handle_async_request", None)):
        raise TypeError(f"transport is {type(value).__name__}; pass an httpx.AsyncBaseTransport")
    return cast("httpx.AsyncBaseTransport | None", value)


def seconds_of(setting: str, value: float) -> float:
    """Return a duration.

    Raises:
        TypeError: It is no number.
        ValueError: It is not more than zero.
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(f"{setting} is {type(value).__name__}; pass a number of seconds")
    if not value > 0:
        raise ValueError(f"{setting} is {value!r}; it must be more than 0 seconds")
    return value


def pairs_of(setting: str, value: object) -> list[tuple[Any, Any]]:
    """Return the names and values of a mapping.

    Raises:
        TypeError: It is no mapping.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{setting} is {type(value).__name__}; pass a mapping of names to values")
    return list(value.items())


def cookie_of(name: str, value: str | Secret) -> Secret:
    """Return a cookie's value as a secret.

    Raises:
        TypeError: It is no text.
        ValueError: RFC 6265 does not allow it.
    """
    secret = secret_of(f"the value of the cookie {name!r}", value)
    if any(c in ' ;,"\\' for c in secret.reveal()) or not secret.reveal().isascii():
        raise ValueError(f"the value of the cookie {name!r} has a character that a cookie cannot carry")
    return secret
