"""What the errors of chat-ui mean, whether they come as a status or inside a stream. Pure.

A chat-ui site forwards to a model server of its own, so an error is of one of two kinds: its own (`You are
sending too many messages`), or the model server's, repeated with or without its status. A refused key is the
site's then, not ours, and only its operator can mend that.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from adapters.contract.errors import (
    AdapterError,
    AuthenticationFailed,
    ContextTooLong,
    InvalidRequest,
    ModelNotFound,
    NotWorking,
    QuotaExhausted,
    RateLimited,
    ServiceFailed,
)
from adapters.contract.reader import reader
from adapters.http import error_for_status
from adapters.wire.phrases import Row, kind_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_Kind = type[AdapterError]

_PHRASES: Final[tuple[Row, ...]] = (
    (("logged in",), AuthenticationFailed),
    (("before login",), QuotaExhausted),
    (("too many messages",), RateLimited),
    (("too many conversations",), QuotaExhausted),
    (("rate limit",), RateLimited),
    (("too many requests",), RateLimited),
    (("currently loading",), ServiceFailed),
    (("must have less than", "tokens"), ContextTooLong),
    (("max_new_tokens", "must be <="), ContextTooLong),
    (("maximum context length",), ContextTooLong),
    (("context length", "exceed"), ContextTooLong),
    (("too long",), ContextTooLong),
    (("input validation error",), InvalidRequest),
    (("api key",), NotWorking),
    (("authorization header",), NotWorking),
    (("invalid credentials",), NotWorking),
    (("no such model",), ModelNotFound),
    (("model", "not found"), ModelNotFound),
    (("model", "does not exist"), ModelNotFound),
    (("model", "no longer available"), ModelNotFound),
    (("api is disabled",), NotWorking),
    (("referer",), NotWorking),
)
_KINDS: Final[Mapping[str, _Kind]] = {
    "validation": InvalidRequest,
    "overloaded": RateLimited,
    "generation": ServiceFailed,
    "incomplete_generation": ServiceFailed,
}
"""`error_type` of text-generation-inference."""
_ADVICE: Final[tuple[tuple[str, str], ...]] = (
    ("logged in", "this site wants a login: {cookie}"),
    ("before login", "this site wants a login from now on: {cookie}"),
    ("referer", "the server believes to have another origin; give base_url as its users see it"),
    ("need to have an origin", "a proxy may have removed the Origin header"),
    ("api is disabled", "its operator switched the API off (EXPOSE_API), and this version cannot do without"),
)
_LOGIN_FIELDS: Final = ("redirect_uri=", "client_id=", "response_type=", "code_challenge=")
_LOGIN_PATHS: Final = frozenset({"login", "signin", "sign-in", "auth", "authorize", "oauth", "oauth2", "sso"})
_STATUS: Final = re.compile(r"(?:^|contains error: )([45]\d\d)\b")


def kind_of(message: str, status: int | str | None = None) -> _Kind | None:
    """Return the class of error that a message stands for, or None where the message has no word for it.

    Args:
        message: Of the server or of the model server behind it.
        status: The status that stands beside the message, or the model server's own kind of error.
    """
    known = kind_in(message, _PHRASES)
    if known is not None:
        return known
    if isinstance(status, str) and not status.isdigit():
        return _KINDS.get(status)
    found = _STATUS.search(message)
    number = int(status) if status is not None else int(found[1]) if found else 0
    if not 400 <= number < 600:
        return None
    kind = error_for_status(number)
    return NotWorking if kind is AuthenticationFailed else kind


def advice_on(message: str) -> str:
    """Return what to do about it, as the end of a sentence, or nothing."""
    text = message.lower()
    advice = next((f"; {advice}" for word, advice in _ADVICE if word in text), "")
    return advice.format(cookie=f"{reader().cookie('hf-chat')}, the cookie of a session")


def leads_to_login(status: int, header: Callable[[str], str | None]) -> bool:
    """Whether an answer is a redirect to a login: to the site's identity provider, or to a page for it.

    Since 2025 a site that demands a login answers so: `POST /conversation` of everybody who is not signed in,
    with AUTOMATIC_LOGIN each request.

    Args:
        status: Of the answer.
        header: Returns a header of the answer by its name.
    """
    if not 300 <= status < 400:
        return False
    target = (header("location") or "").lower()
    if (
        any(field in target for field in _LOGIN_FIELDS)
        or "codeverifier=" in (header("set-cookie") or "").lower()
    ):
        return True
    try:
        path = urlsplit(target).path
    except ValueError:
        return False
    return not _LOGIN_PATHS.isdisjoint(path.split("/"))


def login_advice(cookie: str) -> str:
    """Return what to do where a site demands a login, as the end of a sentence.

    Args:
        cookie: The name of the site's session cookie.
    """
    return (
        "this site demands a login, or does not know the session: sign in with a browser, and pass its "
        f"session cookie, cookies={{{cookie!r}: …}}"
    )
