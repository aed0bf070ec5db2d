"""The page: its head, its parts in their order, and a policy that lets it do nothing but be read."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files
from typing import TYPE_CHECKING, Final

from router.report.html.charts import requests_section, speed_section
from router.report.html.details import details_section
from router.report.html.overview import header, providers_section
from router.report.html.strips import strips_section
from router.report.markup import element, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from router.health.report import HealthReport
    from router.history import Sample
    from router.report.markup import Element
    from router.report.waterfall import RequestShown

_LANGUAGE: Final = "en"


def as_html(
    report: HealthReport,
    *,
    at: datetime | None = None,
    history: Iterable[Sample] = (),
    requests: Sequence[RequestShown] = (),
    refresh: float | None = None,
) -> str:
    """Return `report` as a page of HTML.

    Args:
        report: The report.
        at: When it was made, with its zone.
        history: How the providers were before, for the strips of ups and downs.
        requests: The recent requests, the newest one first, as a `Waterfall` keeps them.
        refresh: Seconds after which a browser is to load the page anew; by default it never does.
    """
    main = element(
        "main",
        providers_section(report),
        strips_section(history, [entry.provider for entry in report.providers], at),
        speed_section(report),
        requests_section(requests),
        details_section(report),
    )
    body = element(
        "body",
        element("a", "Skip to the providers", href="#providers", class_="skip"),
        header(report, at),
        main,
        element("footer", element("p", "Made by chat-router. This page loads nothing.", class_="quiet")),
    )
    root = element("html", _head(report, refresh), body, lang=_LANGUAGE)
    return f"<!doctype html>\n{written(root, 'html')}\n"


def _head(report: HealthReport, refresh: float | None) -> Element:
    css = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    style = element("style")
    style.text = css  # the one text that is not data, and is not escaped in HTML
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    policy = f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'"
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="robots", content="noindex"),
        element("meta", http_equiv="refresh", content=f"{refresh:g}") if refresh is not None else None,
        element("link", rel="icon", href="data:,"),
        element("title", f"{report.verdict.capitalize()} – chat-router health"),
        style,
    )
