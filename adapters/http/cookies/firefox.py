"""The cookies of the user's own Firefox, read from a copy of its store when asked for by name.

The store is an SQLite file, `cookies.sqlite` in the profile's folder, with the newest rows in `-wal` beside
it while Firefox runs. Its table `moz_cookies` has `originAttributes` for containers; those without are of the
ordinary windows. `expiry` is in seconds, in newer versions in milliseconds.
Source: http://fileformats.archiveteam.org/wiki/Firefox_cookie_database

Of Chrome, Edge, Brave and their like it reads nothing: since 2024 their cookies are encrypted with a key that
only the browser itself may use, and the library that decrypted them, browser_cookie3, cannot do so any more
(its report 210 of 2024).
Source: https://security.googleblog.com/2024/07/improving-security-of-chrome-cookies-on.html
"""

from __future__ import annotations

import os
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from adapters.http.cookies.files import cookie_of_object

if TYPE_CHECKING:
    from adapters.http.cookies.stored import StoredCookie

_STORE: Final = "cookies.sqlite"
_ENCRYPTED: Final = frozenset({"chrome", "chromium", "edge", "brave", "opera", "vivaldi"})
_MILLISECONDS: Final = 10**11  # larger numbers are no seconds of this millennium
_ROWS: Final = (
    "SELECT name, value, host, path, expiry, isSecure FROM moz_cookies "
    "WHERE originAttributes = '' ORDER BY id"
)


@dataclass(frozen=True)
class BrowserCookies:
    """The cookies that the user's own browser keeps, of the adapter's host alone.

    Attributes:
        browser: "firefox"; the stores of Chrome and its like are encrypted, and only they can read them.
        profile: The folder of a profile; None: the one that Firefox starts with.
    """

    browser: str
    profile: str | None = None

    def __post_init__(self) -> None:
        if self.browser in _ENCRYPTED:
            raise ValueError(
                f"the cookies of {self.browser} are encrypted, and only the browser itself can read them; "
                "export them to a file with an extension and give cookies='cookies.txt', or use Firefox"
            )
        if self.browser != "firefox":
            raise ValueError(f"browser is {self.browser!r}; it must be 'firefox'")

    def read(self) -> list[StoredCookie]:
        """Return the cookies of the ordinary windows.

        Raises:
            ValueError: There is no such store, or it cannot be read; the message says what to do.
        """
        import shutil
        import sqlite3  # imported here, as are those beside it: nobody else needs them
        import tempfile

        store = self._folder() / _STORE
        if not store.is_file():
            raise ValueError(f"{str(store.parent)!r} has no {_STORE}; give profile=, the folder of a profile")
        with tempfile.TemporaryDirectory(prefix="chat-router-") as folder:
            copy = Path(folder) / _STORE
            try:
                for end in ("", "-wal"):
                    if (beside := store.with_name(_STORE + end)).exists():
                        shutil.copyfile(beside, copy.with_name(_STORE + end))
                with closing(sqlite3.connect(copy)) as found:
                    rows = found.execute(_ROWS).fetchall()
            except (OSError, sqlite3.Error) as error:
                raise ValueError(f"{str(store)!r} cannot be read: {error}") from None
        return [self._cookie(row) for row in rows]

    def _cookie(self, row: tuple[object, ...]) -> StoredCookie:
        names = ("name", "value", "domain", "path", "expirationDate", "secure")
        given = dict(zip(names, row, strict=True))
        expires = given["expirationDate"]
        if isinstance(expires, int) and expires >= _MILLISECONDS:
            given["expirationDate"] = expires / 1000
        return cookie_of_object({**given, "secure": bool(given["secure"])}, "a cookie of Firefox")

    def _folder(self) -> Path:
        if self.profile is not None:
            return Path(self.profile)
        for root in _roots():
            chosen = _chosen(root)
            if chosen is not None:
                return chosen
        raise ValueError("no Firefox of this user was found; give profile=, the folder of a profile")

    def __str__(self) -> str:
        return "the store of Firefox"


def _roots() -> list[Path]:
    home = Path.home()
    if sys.platform == "win32":
        return [Path(os.environ.get("APPDATA", home)) / "Mozilla" / "Firefox"]
    if sys.platform == "darwin":
        return [home / "Library" / "Application Support" / "Firefox"]
    return [
        home / ".mozilla" / "firefox",
        home / ".config" / "mozilla" / "firefox",
        home / "snap" / "firefox" / "common" / ".mozilla" / "firefox",
        home / ".var" / "app" / "org.mozilla.firefox" / ".mozilla" / "firefox",
    ]


def _chosen(root: Path) -> Path | None:
    """Return the folder of the profile that Firefox starts with, by its `profiles.ini`."""
    import configparser  # nobody else needs it

    profiles = configparser.ConfigParser(interpolation=None)
    try:
        profiles.read(root / "profiles.ini", encoding="utf-8")
    except (OSError, configparser.Error, UnicodeDecodeError):
        return None
    sections = [profiles[name] for name in profiles.sections()]
    named = [each["Default"] for each in sections if each.name.startswith("Install") and "Default" in each]
    named += [each["Path"] for each in sections if each.get("Default") == "1" and "Path" in each]
    named += [each["Path"] for each in sections if "Path" in each]
    return next((root / name for name in named if (root / name / _STORE).is_file()), None)
