"""The setting `cookies`: a mapping, an exported file, or a browser's own store."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from adapters.contract.secret import Secret
from adapters.http.cookies.files import cookies_in
from adapters.http.cookies.firefox import BrowserCookies
from adapters.http.status import wall_clock

if TYPE_CHECKING:
    import httpx

    from adapters.http.cookies.stored import StoredCookie

CookieSource: TypeAlias = Mapping[str, str | Secret] | str | os.PathLike[str] | BrowserCookies
"""What `cookies` may be."""
LARGEST: Final = 1 << 20
"""Bytes of a file of cookies."""


@dataclass(frozen=True, slots=True)
class SiteCookies:
    """The cookies of one site.

    Attributes:
        values: Name -> value.
        source: Where they come from, for messages; "" where the user gave them one by one.
        left_out: Which of the site's cookies are not sent, and why.
        others: How many cookies of other hosts there were.
    """

    values: Mapping[str, str | Secret]
    source: str = ""
    left_out: tuple[str, ...] = ()
    others: int = 0

    def missing(self, what: str, base: httpx.URL) -> ValueError:
        """Return the error that says what is not there, why, and what to do.

        Args:
            what: What is missing.
            base: Where the site is.
        """
        why = f" ({'; '.join(self.left_out)})" if self.left_out else ""
        if not self.values and not self.left_out and self.others:
            why = f" (its {self.others} cookies are of other hosts)"
        store = "the store of" in self.source
        again = "ask again" if store else "export its cookies again, and give the new file"
        return ValueError(
            f"cookies: {self.source} has no {what} for {base.host}{why}; open {base} in the browser, sign "
            f"in, and {again}"
        )


def site_cookies(given: object, base: httpx.URL, path: str = "") -> SiteCookies:
    """Return the cookies that a browser would send to a site.

    Args:
        given: See `CookieSource`.
        base: Where the site is.
        path: The path below it that is asked for.

    Raises:
        TypeError: It is none of these.
        ValueError: The file or store cannot be read, or has no cookie for the site.
    """
    if isinstance(given, Mapping):
        return SiteCookies(given)
    stored, source = _stored(given)
    now = wall_clock().timestamp()
    whole = base.path.rstrip("/") + path or "/"
    values: dict[str, str | Secret] = {}
    left_out = []
    own = [each for each in stored if each.is_of(base.host)]
    for cookie in sorted(own, key=lambda each: len(each.path)):  # the closest path wins
        why = cookie.why_not(base, whole, now)
        if why is None and cookie.value is not None:
            values[cookie.name] = cookie.value
        elif why is not None:
            left_out.append(why)
    found = SiteCookies(values, source, tuple(left_out), len(stored) - len(own))
    if not values:
        raise found.missing("cookie", base)
    return found


def _stored(given: object) -> tuple[list[StoredCookie], str]:
    if isinstance(given, BrowserCookies):
        return given.read(), str(given)
    if not isinstance(given, str | os.PathLike):
        raise TypeError(
            f"cookies is {type(given).__name__}; pass a mapping of names to values, the path of an exported "
            "file, or BrowserCookies('firefox')"
        )
    path = Path(given)
    shown = str(path)[-200:]
    if isinstance(given, str) and (";" in given or ("=" in given and not path.exists())):
        raise TypeError(
            "cookies is str, and looks like a Cookie header; pass a mapping of names to values, or the "
            "path of an exported file"
        )
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it cannot be a path"
        raise ValueError(
            f"cookies: the file {shown!r} cannot be read: {why}; export the cookies of the site with an "
            "extension of your browser, as Netscape cookies.txt or JSON"
        ) from None
    if len(content) > LARGEST:
        raise ValueError(f"cookies: the file {shown!r} has more than {LARGEST >> 20} MiB")
    try:
        return cookies_in(content.decode("utf-8-sig")), f"the file {shown!r}"
    except UnicodeDecodeError as error:
        raise ValueError(f"cookies: the file {shown!r} is not UTF-8 (at byte {error.start})") from None
    except ValueError as error:
        raise ValueError(f"cookies: the file {shown!r}: {error}") from None
