"""The session of a next-auth site, in the form that the site takes, whatever it believes its address to be.

next-auth (4.22) keeps the session as an encrypted token in one cookie. Its name depends on the address that
the *site* is configured with: `next-auth.session-token` for http, `__Secure-next-auth.session-token` for
https. A token under the other name is a token not sent, and behind a proxy that ends TLS nobody outside can
tell which it is. A site that reads its own name ignores the other one, so a token is sent under both.

Tokens over `SPLIT` bytes (real ones have some 400) come in pieces, `name.0`, `name.1`, because browsers keep
no larger cookies. Twice as many bytes in one header would go over the 8 kB that proxies take in a line
(nginx; node takes 16 kB of headers in all). Such a token is sent once as pieces, under the name that the user
found it under, and once as `Authorization: Bearer`, which next-auth reads where it finds no cookie of its
name. A whole cookie and pieces of it are never sent together: next-auth would join them all.

Source: `SessionStore` in next-auth's `src/core/lib/cookie.ts`, `getToken` in `src/jwt/index.ts`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from adapters.contract.secret import Secret

PLAIN: Final = "next-auth.session-token"
SECURE: Final = f"__Secure-{PLAIN}"
SPLIT: Final = 3900
"""Bytes over which a token is sent in pieces."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """What to send with each request.

    Attributes:
        cookies: All cookies, the session's among them.
        bearer: The token for the Authorization header, where it is too long for two cookies.
        tokens: The whole tokens, to be masked.
    """

    cookies: Mapping[str, str | Secret]
    bearer: Secret | None = None
    tokens: tuple[Secret, ...] = ()


def sign_in(
    cookies: Mapping[str, str | Secret], session_token: str | Secret | None = None, *, https: bool = True
) -> SignIn:
    """Return the form in which a session is sent.

    Args:
        cookies: The user's cookies; the session's may be among them, under either name, whole or in pieces.
        session_token: The token alone.
        https: Whether the site is reached over https, which decides the name where a long token has none.

    Raises:
        TypeError: The session is given twice, as a cookie and as a token; or it is not text.
        ValueError: A piece of the cookie is missing, or the session is empty or has a control character.
    """
    if not isinstance(cookies, Mapping):
        raise TypeError(f"cookies is {type(cookies).__name__}; pass a mapping of names to values")
    others = {name: value for name, value in cookies.items() if not _is_session(name)}
    found = {name: token for name in (PLAIN, SECURE) if (token := _joined(cookies, name)) is not None}
    if session_token is not None:
        if found:
            raise TypeError(
                "the session is given twice; give session_token, or the cookie in cookies, not both"
            )
        found = {SECURE if https else PLAIN: _text("session_token", session_token)}
    tokens = tuple(Secret(token) for token in found.values())
    if not found:
        return SignIn(others)
    if len(found) == 1:
        ((name, token),) = found.items()
        if len(token) > SPLIT:
            return SignIn({**others, **_pieces(name, token)}, tokens[0], tokens)
        found = {PLAIN: token, SECURE: token}
    named = {piece: value for name, token in found.items() for piece, value in _pieces(name, token).items()}
    return SignIn({**others, **named}, None, tokens)


def _is_session(name: str) -> bool:
    base, dot, number = name.rpartition(".")
    return name in (PLAIN, SECURE) or (bool(dot) and base in (PLAIN, SECURE) and number.isdecimal())


def _joined(cookies: Mapping[str, str | Secret], name: str) -> str | None:
    """Return the token that stands under `name`, whole or in pieces."""
    if name in cookies:
        return _text(f"the cookie {name}", cookies[name])
    numbers = [
        int(n.removeprefix(f"{name}.")) for n in cookies if n.startswith(f"{name}.") and _is_session(n)
    ]
    if not numbers:
        return None
    pieces = [f"{name}.{n}" for n in range(len(numbers))]
    missing = [piece for piece in pieces if piece not in cookies]
    if missing:
        raise ValueError(f"the cookie {missing[0]} is missing; copy all pieces of the session, from .0 on")
    return "".join(_text(f"the cookie {piece}", cookies[piece]) for piece in pieces)


def _text(what: str, value: str | Secret) -> str:
    try:
        return Secret(value).reveal()
    except (TypeError, ValueError) as error:
        raise type(error)(f"{what}: {error}") from None


def _pieces(name: str, token: str) -> dict[str, Secret]:
    if len(token) <= SPLIT:
        return {name: Secret(token)}
    starts = range(0, len(token), SPLIT)
    return {f"{name}.{number}": Secret(token[start : start + SPLIT]) for number, start in enumerate(starts)}
