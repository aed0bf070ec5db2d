"""The page around the pictures: its head, its key field, its script, and its security policy. Pure.

The page loads nothing from elsewhere: the policy allows its own style and script, by their hashes, and
requests to the gateway that it came from. Addresses in it are relative: it may be mounted under any path.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from router.gateway.page.pictures import NAMES, TIME
from router.report.markup import element, written

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router.report.markup import Child, Element

RELOAD: Final = 10
"""Seconds after which a browser without script loads the page anew."""
_HOLE: Final = "part-{}"
_OUTSIDE: Final = ("verdict", "providers")
"""The pictures that stand before the key field."""


@cache
def _style() -> str:
    report = files("router.report.html").joinpath("style.css").read_text(encoding="utf-8")
    return report + files(__package__).joinpath("page.css").read_text(encoding="utf-8")


@cache
def _script() -> str:
    return files(__package__).joinpath("page.js").read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def policy() -> str:
    """Return the Content-Security-Policy of the page."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'sha256-{_hash(_script())}'",
            f"style-src 'sha256-{_hash(_style())}'",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def page(title: str, pictures: Mapping[str, str]) -> str:
    """Return the page.

    Args:
        title: Of the page.
        pictures: By name, as HTML; one that is missing is empty.
    """
    text = written(_document(title), "html")
    for name in (*NAMES, TIME):
        tag = "span" if name == TIME else "div"
        hole = f'<{tag} id="{_HOLE.format(name)}">'
        text = text.replace(hole, hole + pictures.get(name, ""), 1)
    return f"<!doctype html>\n{text}\n"


@cache
def locked() -> str:
    """Return the page for whoever has not shown the admin key."""
    said = element(
        "header",
        element("h1", "This page needs the admin key"),
        element("p", "Enter it below. It is the admin_key of the gateway's settings."),
        element("noscript", element("p", "Without JavaScript the key cannot be sent; use curl instead.")),
        class_="verdict",
    )
    return page("Locked – chat-router", {"verdict": written(said, "html")})


def _document(title: str) -> Element:
    body = element(
        "body",
        element("a", "Skip to the providers", href="#part-providers", class_="skip"),
        element(
            "p",
            element("span", id=_HOLE.format(TIME)),
            element("span", id="live", role="status"),
            class_="bar-of-page quiet",
        ),
        _hole("verdict"),
        element(
            "main",
            _hole("providers"),
            _operate(),
            (_hole(name) for name in NAMES if name not in (*_OUTSIDE, "operate")),
        ),
        element(
            "footer",
            element("p", "Made by chat-router. This page loads nothing from elsewhere.", class_="quiet"),
        ),
        _raw("script", _script()),
    )
    return element("html", _head(title), body, lang="en")


def _head(title: str) -> Element:
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="robots", content="noindex"),
        element("noscript", element("meta", http_equiv="refresh", content=str(RELOAD))),
        element("link", rel="icon", href="data:,"),
        element("title", title),
        _raw("style", _style()),
    )


def _operate() -> Element:
    return element(
        "section",
        element("h2", "Operate", id="operate-title"),
        element(
            "form",
            element("label", "Admin key", for_="key"),
            element("input", id="key", type="password", autocomplete="off", spellcheck="false"),
            element("button", "Use the key", type="submit"),
            id="key-form",
            class_="key",
        ),
        _hole("operate"),
        element("p", id="said", role="status"),
        id="operate",
        aria_labelledby="operate-title",
        hidden="",
    )


def _hole(name: str, *content: Child) -> Element:
    return element("div", content, id=_HOLE.format(name))


def _raw(tag: str, text: str) -> Element:
    made = element(tag)
    made.text = text  # our own words, not data; they are not escaped in HTML
    return made
