"""The pictures: whatever is in a report, they are inert HTML, and what is not for everybody stays out."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser

from hypothesis import given

from adapters.contract import Switch
from adapters.contract.errors import ServiceFailed
from router.events import Attempt, AttemptEnded, AttemptStarted, ReplySwitched, RequestStarted
from router.gateway.page.activity import Activity
from router.gateway.page.pictures import NAMES, TIME, pictures
from router.gateway.page.skeleton import locked, page, policy
from router.health.report import HealthReport, LastError
from tests.router.report.reports import HOSTILE, NOW, REPORTS, history, requests, usual


class Tags(HTMLParser):
    """What a browser would make of a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.handlers: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name in ("style", "src")]
        self.ids += [value or "" for name, value in attrs if name == "id"]


def busy(name: str = "one") -> Activity:
    activity = Activity(lambda: 0.0)
    activity(RequestStarted("r", (name,), 1, "a model of a client"))
    activity(AttemptStarted("r", name, 1, 1, 30.0))
    activity(AttemptEnded("r", Attempt(name, 1, 1, "waiting", "failed", ServiceFailed(f"{name}: words"))))
    activity(ReplySwitched("r", Switch("restart", name, "two", 5), ServiceFailed("words")))
    return activity


def test_every_picture_is_there_on_a_usual_day() -> None:
    made = pictures(usual(), busy(), requests(), history(), NOW)

    assert list(made) == [*NAMES, TIME]
    assert all(made.values())
    assert "1 request under way" in made["underway"]
    assert "ServiceFailed" in made["failures"]
    assert "the service says that it failed" in made["failures"]
    assert "two" in made["switches"]
    assert "a model of a client" not in "".join(made.values())
    assert "words" not in "".join(made.values())


def test_what_is_not_known_is_no_picture() -> None:
    made = pictures(HealthReport(usual().providers[3:4]), Activity(lambda: 0.0), (), (), NOW)

    assert {name for name, html in made.items() if not html} == {
        "failures",
        "switches",
        "budgets",
        "strips",
        "speed",
        "requests",
    }


def test_many_requests_are_counted_not_listed() -> None:
    activity = Activity(lambda: 0.0)
    for number in range(30):
        activity(RequestStarted(str(number), ("one",), 1, None))
    made = pictures(usual(), activity, (), (), NOW)

    assert made["underway"].count("<tr") == 1 + 12
    assert "And 18 more." in made["underway"]


def test_the_words_of_a_service_stay_out() -> None:
    entry = usual().providers[0]
    error = LastError("ServiceFailed", "it failed", 3.0, "the prompt and http://inside.example")
    report = HealthReport((replace(entry, detail="the prompt", last_error=error),))

    text = page("t", pictures(report, busy(), (), (), NOW))

    assert "the prompt" not in text
    assert "inside.example" not in text


@given(REPORTS)
def test_hostile_reports_are_inert(report: HealthReport) -> None:
    made = pictures(report, busy(report.providers[0].provider), requests(), (), NOW)
    seen = Tags("".join(made.values()))

    assert not {"script", "img", "iframe", "style", "link", "b", "form", "a href"} & set(seen.tags)
    assert seen.handlers == []


def test_hostile_names_stay_in_their_hole() -> None:
    entry = usual().providers[0]
    names = [text for text in HOSTILE if text.strip()] + ['<div id="part-details">', "</div></main>"]
    report = HealthReport(tuple(replace(entry, provider=name) for name in names))
    calm = Tags(page("t", pictures(usual(), busy(), (), (), NOW)))
    text = page(names[0], pictures(report, busy(names[1]), (), (), NOW))
    seen = Tags(text)

    assert seen.tags.count("script") == seen.tags.count("style") == 1
    assert [each for each in seen.ids if each.startswith("part-")] == [
        each for each in calm.ids if each.startswith("part-")
    ]
    assert seen.handlers == []


def test_the_page_allows_itself_alone() -> None:
    parts = dict(part.split(" ", 1) for part in policy().split("; "))

    assert parts["default-src"] == "'none'"
    assert parts["connect-src"] == "'self'"
    assert parts["script-src"].startswith("'sha256-")
    assert "unsafe" not in policy()
    assert "http" not in policy()


def test_the_locked_page_tells_nothing() -> None:
    seen = Tags(locked())

    assert "table" not in seen.tags
    assert "part-providers" in seen.ids
