"""The report as Markdown, read back by a parser of what GitHub renders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import example, given
from markdown_it import MarkdownIt

from router.health.report import HealthReport, ProviderHealth
from router.report import as_markdown
from router.report.markdown import escaped
from router.report.words import clean, facts
from tests.router.report.reports import HOSTILE, NOW, REPORTS, TEXTS, usual

if TYPE_CHECKING:
    from markdown_it.token import Token

PARSER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
JOINER = "\N{WORD JOINER}"


def cells(tokens: list[Token]) -> list[list[Token]]:
    """Return the inline tokens of each row of the only table."""
    rows: list[list[Token]] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif rows and token.type == "inline":
            rows[-1].append(token)
        elif token.type == "table_close":
            break
    return rows


def plain(inline: Token) -> str:
    """Return the text of an inline token, which must hold nothing else."""
    assert {child.type for child in inline.children or ()} <= {"text", "text_special"}
    return "".join(child.content for child in inline.children or ()).replace(JOINER, "")


@given(REPORTS)
def test_any_report_is_one_table_whose_cells_are_plain_text(report):
    tokens = PARSER.parse(as_markdown(report, at=NOW))
    head, *rows = cells(tokens)

    assert [t.type for t in tokens if t.type in ("table_open", "heading_open", "html_block")] == [
        "table_open"
    ]
    assert all(len(row) == len(head) for row in rows)
    for entry, row in zip(report.providers, rows, strict=True):
        assert plain(row[0]) == clean(entry.provider).strip()
        assert plain(row[2]).split() == "; ".join(facts(entry)).split()


@given(TEXTS)
@example("1. a")
@example("+ a")
@example("a\\")
def test_an_escaped_text_is_a_paragraph_of_the_same_text(text):
    tokens = PARSER.parse(f"A {escaped(text)}.")

    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert plain(tokens[1]) == f"A {clean(text)}."


def test_nobody_is_called_and_nothing_is_linked():
    found = as_markdown(HealthReport(tuple(ProviderHealth(text) for text in HOSTILE if text.strip())))

    assert not re.search(r"[@#]\w|GH-\d|(?<!\\)://|www\.\w", found)


def test_a_usual_report_reads_well():
    lines = as_markdown(usual(), at=NOW).splitlines()

    assert lines[0] == (
        "**The chain can answer, but not all is well** "
        "(2 healthy, 1 degraded, 1 unhealthy, 1 unknown, 2026-03-01 12:00:03 UTC)"
    )
    assert lines[2] == r"A request now would ask h2o, then chat\_anywhere, then openai."
    assert lines[4] == "| Provider | State | Why | Success | First content p50 | p95 | p99 |"
    assert lines[6].startswith("| h2o | 🟢 healthy | content came; it lists its models; generation G5;")
    assert lines[6].endswith("| 98.5 % | 0.42 s | 1.31 s | 2.40 s |")


def test_a_report_without_traffic_has_no_empty_columns():
    assert "| Provider | State | Why |\n" in as_markdown(HealthReport((ProviderHealth("one"),)))
