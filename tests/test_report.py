"""The report of the providers' health: what people and programs read."""

import io
import json

import pytest

from adapters.contract import ProbeResult
from router.health import HealthReport, ProviderHealth
from router.report import as_json, as_table, as_text, summary

WELL = ProviderHealth("aura", "working", True, "it answered", last_success_ago=3.04)
HELD = ProviderHealth(
    "openai",
    "held back",
    None,
    "RateLimited: asked to stay away",
    held_for=29.6,
    last_error="RateLimited",
    last_error_ago=125.0,
)
PROBED = ProviderHealth(
    "h2o",
    "working",
    True,
    "it answered",
    probe=ProbeResult(True, "it lists its models", generation="G5", models=("a", "b"), seconds=0.123),
)
SICK = ProviderHealth("chat_anywhere", "not working", False, "chat_anywhere: no [bold]such[/] page.")
UNSURE = ProviderHealth(
    "opchatgpts", "not known", None, "not known yet", probe=ProbeResult(None, "opchatgpts: who knows.")
)


def test_the_text_is_aligned_and_says_why():
    text = as_text(HealthReport((WELL, HELD, PROBED, SICK, UNSURE)), 200)

    assert text.splitlines() == [
        "provider       health       why",
        "aura           working      it answered; content 3.0 s ago",
        "openai         held back    RateLimited: asked to stay away for 30 s more; RateLimited 2 min ago",
        "h2o            working      it answered; it lists its models; generation G5; 2 models; "
        "probed in 0.12 s",
        "chat_anywhere  not working  no [bold]such[/] page",
        "opchatgpts     not known    who knows; probed in 0.00 s",
    ]


@pytest.mark.parametrize("width", [50, 60, 80])
def test_the_text_is_wrapped_in_its_last_column(width):
    lines = as_text(HealthReport((HELD, PROBED)), width).splitlines()

    assert max(map(len, lines)) <= width
    assert lines[2].startswith(" " * 19)


def test_the_table_says_the_same_and_takes_no_markup_from_a_service():
    from rich.console import Console

    console = Console(width=120, file=io.StringIO(), record=True)
    console.print(as_table(HealthReport((WELL, SICK))))
    text = console.export_text()

    assert "no [bold]such[/] page" in text
    assert "content 3.0 s ago" in text


@pytest.mark.parametrize(
    ("entries", "line"),
    [
        ((WELL, PROBED), "all is well: 2 working"),
        ((WELL, HELD, SICK), "the chain can answer: 1 working, 1 held back, 1 not working"),
        ((UNSURE,), "the chain can answer: 1 not known"),
        ((HELD, SICK), "the chain cannot answer: 1 held back, 1 not working"),
    ],
)
def test_the_summary_says_whether_the_chain_can_answer(entries, line):
    assert summary(HealthReport(entries)) == line


def test_json_is_the_report_in_ascii():
    report = HealthReport((WELL, ProviderHealth("x", "not working", False, "Größe")))

    assert as_json(report).isascii()
    assert json.loads(as_json(report)) == report.as_dict()
