"""Files of cookies as browsers' extensions and tools export them: Netscape's `cookies.txt`, or JSON.

Netscape's has a line for each cookie, seven fields apart by tabs: domain, whether hosts below it count, path,
whether https only, expiry (0: none), name, value. `#HttpOnly_` in front of the domain is no comment.
Source: https://curl.se/docs/http-cookies.html

JSON is a list of objects, or stands under `cookies`: with `expirationDate` of the extensions, `expires` of
Playwright, or `expiry` of WebDriver.
Source: https://developer.chrome.com/docs/extensions/reference/api/cookies
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

from adapters.contract.secret import Secret
from adapters.http.cookies.stored import StoredCookie

_HTTP_ONLY: Final = "#HttpOnly_"
_EXPIRY: Final = ("expirationDate", "expires", "expiry")


def cookies_in(text: str) -> list[StoredCookie]:
    """Return the cookies of an exported file.

    Raises:
        ValueError: It is neither of the two forms; the message names the line, and shows nothing of it.
    """
    if text.lstrip()[:1] in ("[", "{"):
        return _of_json(text)
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.removeprefix(_HTTP_ONLY)
        if line.strip() and not line.startswith("#"):
            found.append(_of_line(line, number))
    return found


def _of_line(line: str, number: int) -> StoredCookie:
    fields = line.split("\t")
    if len(fields) != 7:
        raise ValueError(
            f"line {number} has {len(fields)} fields, and a line of cookies.txt has 7, apart by tabs; "
            "export the cookies again, as Netscape cookies.txt or JSON"
        )
    domain, below, path, secure, expiry, name, value = fields
    try:
        expires = float(expiry or 0)
    except ValueError:
        raise ValueError(f"line {number}: the fifth field is no time in seconds") from None
    return _cookie(
        name, value, domain, below.upper() != "TRUE", path, secure.upper() == "TRUE", expires or None
    )


def _of_json(text: str) -> list[StoredCookie]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("it begins like JSON, and is none; export the cookies again") from None
    listed = found.get("cookies") if isinstance(found, dict) else found
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise ValueError("its JSON is no list of cookies; export them again, as JSON or Netscape cookies.txt")
    return [cookie_of_object(each, f"cookie {number}") for number, each in enumerate(listed, 1)]


def cookie_of_object(given: dict[str, Any], what: str) -> StoredCookie:
    """Return a cookie that is told as an object.

    Raises:
        ValueError: It has no name, value and domain as text, or its expiry is no number.
    """
    for name in ("name", "value", "domain"):
        if not isinstance(given.get(name), str):
            raise ValueError(f"{what} has no {name}; export the cookies again")  # noqa: TRY004 - a file's fault
    expires = next((given[name] for name in _EXPIRY if given.get(name) is not None), None)
    is_time = isinstance(expires, int | float) and not math.isnan(expires)
    if expires is not None and not is_time:
        raise ValueError(f"{what}: its expiry is no time in seconds")
    if expires is not None and expires < 0:  # of Playwright: with the browser's session
        expires = None
    host_only = given.get("hostOnly")
    return _cookie(
        given["name"],
        given["value"],
        given["domain"],
        host_only if isinstance(host_only, bool) else not given["domain"].startswith("."),
        str(given.get("path") or "/"),
        given.get("secure") is True,
        expires,
    )


def _cookie(
    name: str, value: str, domain: str, host_only: bool, path: str, secure: bool, expires: float | None
) -> StoredCookie:
    try:
        secret = Secret(value) if value else None
    except ValueError:
        raise ValueError(
            f"the value of the cookie {name!r} has a control character; export it again"
        ) from None
    return StoredCookie(name, secret, domain, host_only, path, secure, expires)
