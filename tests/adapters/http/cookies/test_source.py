"""Which cookies of a file or a store are sent to a site, and what is said where none is."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from adapters import BrowserCookies, H2o, Secret
from adapters.http.cookies import site_cookies
from tests.adapters.http.cookies.exported import (
    EARLIER,
    LATER,
    Cookie,
    extension,
    firefox,
    netscape,
    playwright,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BASE = httpx.URL("https://chat.example.org/site")
FORMS = [netscape, extension, playwright]


def sent(given: Any, base: httpx.URL = BASE, path: str = "/api/chat") -> dict[str, str]:
    found = site_cookies(given, base, path).values
    return {name: value.reveal() for name, value in found.items() if isinstance(value, Secret)}


@pytest.mark.parametrize("form", FORMS)
def test_only_what_a_browser_would_send_to_the_host(form: Callable[..., Path], tmp_path: Path) -> None:
    file = form(
        tmp_path / "cookies",
        Cookie("own", "1", "chat.example.org"),
        Cookie("domain", "2", ".example.org"),
        Cookie("below", "3", "a.chat.example.org"),
        Cookie("beside", "4", "other.example.org"),
        Cookie("above", "5", "example.org"),
        Cookie("ending", "6", "at.example.org"),
        Cookie("here", "7", "chat.example.org", path="/site"),
        Cookie("there", "8", "chat.example.org", path="/sit"),
        Cookie("deep", "9", "chat.example.org", path="/site/api/auth"),
        Cookie("old", "10", "chat.example.org", expires=EARLIER),
        Cookie("browser", "11", "chat.example.org", expires=0),
        Cookie("safe", "12", "chat.example.org", secure=True),
        Cookie("twice", "far", "chat.example.org"),
        Cookie("twice", "near", "chat.example.org", path="/site"),
    )
    wanted = {"own": "1", "domain": "2", "here": "7", "browser": "11", "safe": "12", "twice": "near"}

    if form is extension:
        wanted.pop("browser")  # it writes 0.5 s after 1970
    assert sent(file) == wanted
    assert sent(str(file)) == wanted
    assert "safe" not in sent(file, httpx.URL("http://chat.example.org/site"))


def test_a_local_site_gets_what_is_for_https_only(tmp_path: Path) -> None:
    file = netscape(tmp_path / "c", Cookie("a", "1", "127.0.0.1", secure=True))
    assert sent(file, httpx.URL("http://127.0.0.1:3000")) == {"a": "1"}


def test_an_address_has_no_domains_above_it(tmp_path: Path) -> None:
    file = netscape(tmp_path / "c", Cookie("a", "1", ".0.0.1"), Cookie("b", "2"))
    assert sent(file, httpx.URL("http://127.0.0.1:3000")) == {"b": "2"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("chat.example.org\tFALSE\t/\tFALSE\t0\tname", "line 1 has 6 fields"),
        ("# x\nchat.example.org FALSE / FALSE 0 name value", "line 2 has 1 fields"),
        ("chat.example.org\tFALSE\t/\tFALSE\tsoon\tname\tvalue", "line 1: the fifth field is no time"),
        ("[{", "begins like JSON, and is none"),
        ('{"cookies": 5}', "no list of cookies"),
        ("[5]", "no list of cookies"),
        ('[{"name": "a", "value": 5, "domain": "x"}]', "cookie 1 has no value"),
        ('[{"name": "a", "value": "v", "domain": "x", "expires": "soon"}]', "cookie 1: its expiry"),
        ('[{"name": "a", "value": "b\\u0000", "domain": "x"}]', "'a' has a control character"),
        ("", "has no cookie for chat.example.org; open https://chat.example.org/site in the browser"),
        ("other.org\tFALSE\t/\tFALSE\t0\tname\tvalue", r"its 1 cookies are of other hosts\); open https"),
        (
            f"chat.example.org\tFALSE\t/\tFALSE\t{EARLIER}\tname\tvalue",
            r"has no cookie for chat.example.org \(name expired on 2023-11-14\); open .* sign in, and export",
        ),
    ],
)
def test_what_cannot_be_used_is_told_with_what_to_do(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "cookies.txt"
    file.write_text(text)
    with pytest.raises(ValueError, match=said) as error:
        sent(file)
    assert str(error.value).startswith("cookies: the file")
    assert "value" not in str(error.value).replace("has no value", "").replace("value of", "")


def test_other_things_are_no_cookies(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot be read: No such file.*extension"):
        sent(tmp_path / "none.txt")
    with pytest.raises(TypeError, match="looks like a Cookie header"):
        sent("session=abc; other=def")
    with pytest.raises(TypeError, match="BrowserCookies"):
        sent(5)
    (tmp_path / "big").write_bytes(b"#" * (1 << 20) + b"#")
    with pytest.raises(ValueError, match="more than 1 MiB"):
        sent(tmp_path / "big")
    (tmp_path / "binary").write_bytes(b"a\xff")
    with pytest.raises(ValueError, match=r"not UTF-8 \(at byte 1\)"):
        sent(tmp_path / "binary")


@pytest.mark.parametrize("milliseconds", [False, True])
def test_the_store_of_firefox_is_read_while_it_runs(milliseconds: bool, tmp_path: Path) -> None:
    profile = firefox(
        tmp_path / "p",
        Cookie("own", "1", "chat.example.org"),
        Cookie("own", "of a container", "chat.example.org", container="^userContextId=2"),
        Cookie("old", "2", "chat.example.org", expires=EARLIER),
        Cookie("other", "3", "example.com"),
        milliseconds=milliseconds,
    )
    with closing(sqlite3.connect(profile / "cookies.sqlite")) as running:
        running.execute("PRAGMA journal_mode=WAL")
        running.execute(
            "INSERT INTO moz_cookies (name, value, host, path, expiry, isSecure) VALUES (?, ?, ?, '/', ?, 1)",
            ("newest", "4", ".example.org", LATER),
        )
        running.commit()
        before = (profile / "cookies.sqlite").read_bytes()
        assert sent(BrowserCookies("firefox", str(profile))) == {"own": "1", "newest": "4"}
        assert (profile / "cookies.sqlite").read_bytes() == before


def test_the_profile_is_the_one_that_firefox_starts_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / ".mozilla" / "firefox"
    firefox(root / "first", Cookie("a", "first", "chat.example.org"))
    firefox(root / "used", Cookie("a", "used", "chat.example.org"))
    monkeypatch.setattr("pathlib.Path.home", lambda: tmp_path)
    monkeypatch.setattr("sys.platform", "linux")
    ini = "[Profile0]\nName=a\nPath=first\n\n[Profile1]\nName=b\nPath=used\nDefault=1\n"
    (root / "profiles.ini").write_text(ini)
    assert sent(BrowserCookies("firefox")) == {"a": "used"}
    (root / "profiles.ini").write_text("[Install4F96]\nDefault=first\nLocked=1\n\n" + ini)
    assert sent(BrowserCookies("firefox")) == {"a": "first"}
    (root / "profiles.ini").unlink()
    with pytest.raises(ValueError, match="no Firefox of this user was found; give profile="):
        sent(BrowserCookies("firefox"))


def test_a_store_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    for browser in ("chrome", "edge"):
        with pytest.raises(ValueError, match=r"encrypted.*export them to a file"):
            BrowserCookies(browser)
    with pytest.raises(ValueError, match="must be 'firefox'"):
        BrowserCookies("lynx")
    with pytest.raises(ValueError, match=r"has no cookies\.sqlite; give profile="):
        sent(BrowserCookies("firefox", str(tmp_path)))
    (tmp_path / "cookies.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(ValueError, match="cannot be read: file is not a database"):
        sent(BrowserCookies("firefox", str(tmp_path)))


def test_expired_cookies_beside_others_are_told_in_health_reports(tmp_path: Path) -> None:
    file = netscape(
        tmp_path / "c",
        Cookie("a", "1", "chat.example.org"),
        Cookie("b", "2", ".example.org", expires=EARLIER),
    )
    adapter = H2o(str(BASE), cookies=file)
    assert adapter.cautions == (
        f"cookies of the file {str(file)!r} that are not sent: b expired on 2023-11-14",
    )
