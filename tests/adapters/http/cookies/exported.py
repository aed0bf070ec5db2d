"""Cookies as browsers keep and export them, written by the tests."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

LATER: Final = 4_000_000_000
EARLIER: Final = 1_700_000_000  # 2023-11-14
SCHEMA: Final = (
    "CREATE TABLE moz_cookies (id INTEGER PRIMARY KEY, originAttributes TEXT NOT NULL DEFAULT '', name TEXT, "
    "value TEXT, host TEXT, path TEXT, expiry INTEGER, lastAccessed INTEGER, creationTime INTEGER, "
    "isSecure INTEGER, isHttpOnly INTEGER, inBrowserElement INTEGER DEFAULT 0, sameSite INTEGER DEFAULT 0, "
    "rawSameSite INTEGER DEFAULT 0, schemeMap INTEGER DEFAULT 0, "
    "CONSTRAINT moz_uniqueid UNIQUE (name, host, path, originAttributes))"
)


@dataclass
class Cookie:
    name: str
    value: str
    domain: str = "127.0.0.1"
    path: str = "/"
    secure: bool = False
    expires: int = LATER
    container: str = ""


def netscape(path: Path, *cookies: Cookie) -> Path:
    lines = ["# Netscape HTTP Cookie File", ""]
    for c in cookies:
        below = "TRUE" if c.domain.startswith(".") else "FALSE"
        secure = "TRUE" if c.secure else "FALSE"
        lines.append(
            "\t".join([f"#HttpOnly_{c.domain}", below, c.path, secure, str(c.expires), c.name, c.value])
        )
    path.write_text("\n".join(lines) + "\n")
    return path


def extension(path: Path, *cookies: Cookie) -> Path:
    path.write_text(
        json.dumps([
            {
                "domain": c.domain, "expirationDate": c.expires + 0.5, "hostOnly": c.domain[0] != ".",
                "httpOnly": True, "name": c.name, "path": c.path, "sameSite": "lax", "secure": c.secure,
                "session": False, "storeId": "0", "value": c.value,
            }
            for c in cookies
        ])
    )  # fmt: skip
    return path


def playwright(path: Path, *cookies: Cookie) -> Path:
    path.write_text(
        json.dumps({
            "cookies": [
                {
                    "name": c.name, "value": c.value, "domain": c.domain, "path": c.path,
                    "expires": c.expires or -1, "httpOnly": True, "secure": c.secure,
                }
                for c in cookies
            ],
            "origins": [],
        })
    )  # fmt: skip
    return path


def firefox(profile: Path, *cookies: Cookie, milliseconds: bool = False) -> Path:
    profile.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(profile / "cookies.sqlite")) as store, store:
        store.execute(SCHEMA)
        store.executemany(
            "INSERT INTO moz_cookies (originAttributes, name, value, host, path, expiry, isSecure, "
            "isHttpOnly) VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
            [
                (
                    c.container,
                    c.name,
                    c.value,
                    c.domain,
                    c.path,
                    c.expires * (1000 if milliseconds else 1),
                    c.secure,
                )
                for c in cookies
            ],
        )
    return profile
