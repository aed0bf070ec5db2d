"""The HTML report in a real browser: two colour schemes, a desk and a phone; looked at, not believed.

Pictures are kept in the folder that `CHAT_ROUTER_PICTURES` names, so that a person can look at them, too.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from router.report import as_html
from tests.browser.chromium import Browser, chromium
from tests.router.report.reports import HOSTILE, NOW, history, requests, usual

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router.health.report import HealthReport

CONTRAST: Final = (Path(__file__).parent / "contrast.js").read_text(encoding="utf-8")
LEAST: Final = 4.5  # of WCAG 2.2 AA for text of usual size
SMALLEST: Final = 12.0  # pixels


class View(NamedTuple):
    """How a person looks at the page."""

    scheme: str
    width: int

    def __str__(self) -> str:
        return f"{self.scheme}-{self.width}"


VIEWS: Final = [View(scheme, width) for scheme in ("light", "dark") for width in (390, 1100)]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as chrome:
        yield Browser(chrome)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = Path(os.environ.get("CHAT_ROUTER_PICTURES") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def whole_page(folder: Path, report: HealthReport | None = None, *, folded: bool = False) -> Path:
    """Write a page with everything on it, and the details unfolded."""
    text = as_html(report or usual(), at=NOW, history=history(), requests=requests())
    page = folder / "health.html"
    page.write_text(text if folded else text.replace("<details", '<details open=""'), encoding="utf-8")
    return page


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_it_can_be_read_in_every_view(browser: Browser, view: View, tmp_path: Path, pictures: Path) -> None:
    browser.show(whole_page(tmp_path), width=view.width, scheme=view.scheme)
    browser.picture(pictures / f"health-{view}.png")
    texts = browser.run(CONTRAST)

    assert len(texts) > 100
    assert [each for each in texts if each["ratio"] < LEAST] == []
    assert [each for each in texts if each["size"] < SMALLEST] == []
    assert browser.run("return document.documentElement.scrollWidth") <= view.width
    assert browser.complaints() == []


@pytest.mark.parametrize("view", VIEWS, ids=str)
def test_the_scheme_is_followed(browser: Browser, view: View, tmp_path: Path) -> None:
    browser.show(whole_page(tmp_path), width=view.width, scheme=view.scheme)
    ground = browser.run("return getComputedStyle(document.body).backgroundColor")

    assert ground == {"light": "rgb(244, 245, 247)", "dark": "rgb(17, 19, 22)"}[view.scheme]


@pytest.mark.parametrize("width", [320, 390, 1100])
def test_hostile_texts_run_nothing_and_break_nothing(browser: Browser, width: int, tmp_path: Path) -> None:
    from dataclasses import replace

    report = usual()
    texts = [text for text in HOSTILE if text.strip()] + ["w" * 300, "<b>" * 60]
    entries = tuple(replace(report.providers[0], provider=text, reason=text) for text in texts)
    page = whole_page(tmp_path, replace(report, providers=entries))

    browser.show(page, width=width, scheme="light")

    assert browser.run("return document.querySelectorAll('script, img, iframe, b').length") == 0
    assert browser.run("return document.querySelectorAll('details').length") == len(texts)
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.complaints() == []


def test_assistive_technology_gets_landmarks_headings_tables_and_states(
    browser: Browser, tmp_path: Path
) -> None:
    browser.show(whole_page(tmp_path), width=1100, scheme="light")
    nodes = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in browser.tree()]
    roles = [role for role, _ in nodes]

    assert ("RootWebArea", "Degraded – chat-router health") in nodes
    assert [roles.count(name) for name in ("banner", "main", "contentinfo")] == [1, 1, 1]
    assert [name for role, name in nodes if role == "region"] == [
        "Providers",
        "Up and down",
        "First content",
        "Recent requests",
        "Details",
    ]
    headings = [name for role, name in nodes if role == "heading"]
    assert headings[0] == "The chain can answer, but not all is well degraded"
    assert roles.count("table") == 2
    assert ("rowheader", "h2o") in nodes
    assert ("columnheader", "Why") in nodes
    assert ("cell", "unhealthy") in nodes
    assert browser.run("return document.documentElement.lang") == "en"


def test_on_a_phone_the_table_is_still_one(browser: Browser, tmp_path: Path) -> None:
    browser.show(whole_page(tmp_path), width=390, scheme="light")
    roles = [node["role"]["value"] for node in browser.tree()]

    assert roles.count("table") == 2
    assert roles.count("rowheader") == 5 + 3


def test_the_keyboard_reaches_everything_and_opens_details(browser: Browser, tmp_path: Path) -> None:
    from selenium.webdriver import ActionChains, Keys

    browser.show(whole_page(tmp_path, folded=True), width=1100, scheme="light")
    reached = []
    for _ in range(11):
        ActionChains(browser.chrome).send_keys(Keys.TAB).perform()
        reached.append(browser.run("return document.activeElement.tagName"))
        assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") != "none"
    ActionChains(browser.chrome).send_keys(Keys.ENTER).perform()

    assert reached == ["A"] * 6 + ["SUMMARY"] * 5
    assert browser.run("return document.querySelectorAll('details[open]').length") == 1


def test_the_eyes_of_these_tests_see(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(
        "<body style='background:#fff'><p style='color:#777'>pale</p><p style='color:#767676'>fair</p>"
        "<div style='background:rgba(0,0,0,.5)'><p style='color:#000'>on grey</p></div>"
        "<script>oops()</script>",
        encoding="utf-8",
    )
    browser.show(page, width=390, scheme="light")
    found = {each["text"]: each["ratio"] for each in browser.run(CONTRAST)}

    assert found == {
        "pale": pytest.approx(4.48, abs=0.01),
        "fair": pytest.approx(4.54, abs=0.01),
        "on grey": pytest.approx(5.28, abs=0.1),
    }
    assert len(browser.complaints()) == 1


def test_what_is_not_known_is_a_small_page(browser: Browser, tmp_path: Path, pictures: Path) -> None:
    from router.health.report import HealthReport, ProviderHealth

    page = tmp_path / "small.html"
    page.write_text(as_html(HealthReport((ProviderHealth("one"),))), encoding="utf-8")
    browser.show(page, width=390, scheme="dark")
    browser.picture(pictures / "small.png")

    assert [each for each in browser.run(CONTRAST) if each["ratio"] < LEAST] == []
    assert browser.complaints() == []
