"""The report as a page: what it says, and that nothing in it is more than text. See also tests/browser."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

from hypothesis import given

from router.health.report import HealthReport, ProviderHealth, RetryAllowance
from router.history import Sample
from router.report import RequestShown, Step, as_html
from router.report.html.details import rows
from router.report.words import clean
from tests.router.report.reports import HOSTILE, LONG, NOW, REPORTS, history, requests, usual

VOID = {"meta", "link"}
ALLOWED = {
    *("html", "head", "meta", "link", "title", "style", "body", "a", "header", "h1", "h2", "em", "strong"),
    *(
        "p",
        "main",
        "section",
        "table",
        "caption",
        "thead",
        "tbody",
        "tr",
        "th",
        "td",
        "span",
        "time",
        "ol",
        "ul",
    ),
    *("li", "svg", "rect", "details", "summary", "dl", "dt", "dd", "footer"),
}


class Page(HTMLParser):
    """Reads a page, and checks on the way that its elements are ours and properly nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.comments: list[str] = []
        self.feed(text)
        self.close()

        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ALLOWED
        assert not [name for name, _ in attrs if name.startswith("on") or name == "style"]
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for each, attributes in self.tags if each == tag]


def page_of(report: HealthReport) -> str:
    names = [entry.provider for entry in report.providers]
    samples = [Sample(NOW.timestamp() - 60 * n, name, "healthy") for name in names for n in range(4)]
    steps = tuple(Step(name, "failed", name, 0.0, 1.0) for name in names)
    shown = [RequestShown("failed", names[0], 1.0, None, steps, NOW)]
    return as_html(report, at=NOW, history=samples, requests=shown)


@given(REPORTS)
def test_any_report_is_a_page_of_our_elements_alone(report):
    text = page_of(report)
    page = Page(text)
    text.encode()

    assert page.comments == []
    said = "".join(page.text)
    for entry in report.providers:
        assert clean(entry.provider) in said
        assert clean(entry.reason).rstrip(".;") in said or clean(entry.reason).startswith(
            clean(entry.provider)
        )


def test_what_is_hostile_is_shown_and_does_nothing():
    report = HealthReport(tuple(ProviderHealth(text, reason=text) for text in HOSTILE if text.strip()))
    page = Page(page_of(report))

    assert "<script>alert(1)</script>" in "".join(page.text)


def test_links_lead_to_details_of_the_same_page():
    page = Page(page_of(usual()))
    hrefs = [attributes["href"] for attributes in page.all("a")]
    ids = [f"#{attributes['id']}" for _, attributes in page.tags if "id" in attributes]

    assert set(hrefs) <= set(ids)
    assert len(ids) == len(set(ids))


def test_the_policy_allows_our_style_and_nothing_else():
    text = page_of(usual())
    policy = next(meta["content"] for meta in Page(text).all("meta") if meta.get("http-equiv"))
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()

    assert policy == f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'"
    assert not re.search(r"url\(|@import|https?:", text)


def test_the_verdict_is_on_top():
    text = "".join(Page(as_html(usual(), at=NOW)).text)

    assert "Degraded – chat-router health" in text
    assert "A request now would ask h2o, then chat_anywhere, then openai." in text
    assert "5 providers: 2 healthy, 1 degraded, 1 unhealthy, 1 unknown." in text
    assert "2026-03-01 12:00:03 UTC" in text


def test_nobody_to_ask_is_said():
    dead = ProviderHealth("dead", state="unhealthy", can_answer=False)
    text = "".join(Page(as_html(HealthReport((dead,)))).text)

    assert "The chain cannot answer" in text
    assert "No provider can be asked now." in text


def test_the_strips_say_in_words_what_they_show():
    text = "".join(Page(as_html(usual(), at=NOW, history=history())).text)

    assert f"{LONG}up 100 % of the known time, 0 outages" in text
    assert "open_assistantup 75.8 % of the known time, 1 outage" in text
    assert "2026-02-22 12:00:03 UTC" in text


def test_one_sample_is_no_strip_and_strangers_are_not_shown():
    one = [Sample(NOW.timestamp(), "h2o", "healthy")]
    other = [Sample(NOW.timestamp() - n, "stranger", "healthy") for n in range(9)]

    assert "Up and down" not in as_html(usual(), at=NOW, history=one)
    assert "stranger" not in as_html(usual(), at=NOW, history=other)


def test_a_chart_without_data_is_left_out():
    text = as_html(HealthReport((ProviderHealth("one"),)))

    for title in ("Up and down", "First content", "Recent requests"):
        assert f">{title}<" not in text


def test_requests_say_who_had_them_when():
    text = "".join(Page(as_html(usual(), requests=requests())).text)

    assert "complete by openai in 2.90 s, first content after 1.23 s" in text
    assert "h2oConnectFailed after 0.01 s" in text
    assert f"{LONG}skipped" in text
    assert "openaianswered after 0.21 s" in text


def test_bars_stay_within_their_chart():
    for rect in Page(as_html(usual(), at=NOW, history=history(), requests=requests())).all("rect"):
        x, width = (float((rect[name] or "").removesuffix("%")) for name in ("x", "width"))

        assert 0 <= x <= 100
        assert 0 <= width <= 100.01 - x


def test_details_have_all_that_is_known():
    h2o, aura, sick, unknown, openai = (rows(entry) for entry in usual().providers)

    assert h2o["Attempts"] == "130 answered, 2 failed, 1 cancelled; 98.5 % success, in the last 60 min"
    assert h2o["Probe"] == "reach, in 0.12 s: it lists its models"
    assert h2o["Last error"] == "FirstContentTimeout, 20 min ago: no content came in time"
    assert aura["Back in"] == "27 s"
    assert aura["Circuit breaker"] == "closed, 1 failure in a row, 14 of 50 calls failed, 2 were slow"
    assert sick["Circuit breaker"] == (
        "open, 5 failures in a row, 9 of 12 calls failed, asked again in 21 s, 2 trials failed"
    )
    assert unknown["Known from"] == "nothing yet"
    assert openai["Models"].endswith("model-29 and 10 others")


def test_a_text_of_many_parts_is_not_cut():
    names = tuple(f"a-provider-with-a-long-name-{number}" for number in range(30))
    text = "".join(Page(as_html(HealthReport(tuple(map(ProviderHealth, names))))).text)

    assert f"then {names[-1]}." in text


def test_the_budget_for_repeats_is_told():
    one = (ProviderHealth("one"),)
    free = HealthReport(one, None, RetryAllowance(float("inf"), float("inf")))
    bounded = HealthReport(one, None, RetryAllowance(7.4, 10.0))

    assert "7.4 of 10 are left" in as_html(bounded)
    assert "has no limit" in as_html(free)


def test_a_page_that_is_written_again_and_again_asks_to_be_loaded_again():
    assert '<meta http-equiv="refresh" content="30">' in as_html(usual(), refresh=30.0)
    assert "refresh" not in as_html(usual())
