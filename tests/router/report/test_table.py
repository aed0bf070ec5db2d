"""The report as a table, for terminals and logs."""

from __future__ import annotations

import io
import unicodedata

import pytest
from hypothesis import given
from rich.console import Console

from adapters.contract import ProbeResult
from router.health.report import HealthReport, LastError, ProviderHealth
from router.report import as_table, as_text, summary
from tests.router.report.reports import LONG, REPORTS, usual

WELL = ProviderHealth("aura", state="healthy", reason="it answered", last_success_age=3.04)
HELD = ProviderHealth(
    "openai",
    state="degraded",
    reason="held back: RateLimited",
    can_answer=False,
    back_in=29.6,
    last_error=LastError("RateLimited", "asked to stay away", 125.0),
)
PROBED = ProviderHealth(
    "h2o",
    state="healthy",
    reason="it answered",
    generation="G5",
    models=("a", "b"),
    probe=ProbeResult(True, "it lists its models", seconds=0.123),
)
SICK = ProviderHealth(
    "chat_anywhere",
    state="unhealthy",
    reason="chat_anywhere: no [bold]such[/] page.",
    detail="/hidden answered 404",
    can_answer=False,
)
UNSURE = ProviderHealth("opchatgpts", probe=ProbeResult(None, "opchatgpts: who knows."))


def test_the_text_is_aligned_and_says_why():
    text = as_text(HealthReport((WELL, HELD, PROBED, SICK, UNSURE)), 200)

    assert text.splitlines() == [
        "provider       health     why",
        "aura           healthy    it answered; content 3.04 s ago",
        "openai         degraded   held back: RateLimited; back in 30 s; RateLimited 2 min ago",
        "h2o            healthy    it answered; it lists its models; generation G5; 2 models; "
        "probed in 0.12 s",
        "chat_anywhere  unhealthy  no [bold]such[/] page",
        "opchatgpts     unknown    not known yet; who knows; probed in 0.00 s",
    ]


def test_where_requests_were_sent_it_has_their_numbers():
    head, h2o, *_ = as_text(usual(), 200).splitlines()

    assert head.split() == ["provider", "health", "success", "p95", "why"]
    assert h2o.split()[:6] == ["h2o", "healthy", "98.5", "%", "1.31", "s"]


@pytest.mark.parametrize("width", [60, 80, 90, 120])
def test_the_text_is_wrapped_in_its_columns(width):
    lines = as_text(usual(), width).splitlines()

    assert max(map(len, lines)) <= width
    assert ("success" in lines[0]) is (width >= 90)
    assert LONG in "".join(line[:24].strip() for line in lines)


@given(REPORTS)
def test_a_line_of_text_never_has_what_a_terminal_obeys(report):
    text = as_text(report)

    assert {unicodedata.category(sign) for sign in text if sign != "\n"}.isdisjoint({"Cc", "Cs", "Zl", "Zp"})
    assert text.encode().decode() == text


@given(REPORTS)
def test_the_table_has_a_row_for_each_provider_and_takes_no_markup(report):
    console = Console(width=300, file=io.StringIO(), record=True)
    console.print(as_table(report, details=True))
    text = console.export_text()

    assert "\x1b" not in text
    assert as_table(report).row_count == len(report.providers)


def test_the_words_of_adapters_are_for_the_eyes_of_the_operator_alone():
    report = HealthReport((WELL, SICK))

    def shown(*, details: bool) -> str:
        console = Console(width=120, file=io.StringIO(), record=True)
        console.print(as_table(report, details=details))
        return console.export_text()

    assert "no [bold]such[/] page" in shown(details=False)
    assert "/hidden" not in shown(details=False) + as_text(report)
    assert "/hidden answered 404" in shown(details=True)


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        ((WELL, PROBED), "all is well: 2 healthy"),
        ((WELL, HELD, SICK), "the chain can answer: 1 healthy, 1 degraded, 1 unhealthy"),
        ((UNSURE,), "the chain can answer: 1 unknown"),
        ((HELD, SICK), "the chain cannot answer: 1 degraded, 1 unhealthy"),
    ],
)
def test_the_summary_says_whether_the_chain_can_answer(entries, line):
    assert summary(HealthReport(entries)) == line
