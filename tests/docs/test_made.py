"""What is made of the code stands on the pages as it would be made now."""

from __future__ import annotations

import re

import pytest

from adapters.opchatgpts.site import CURRENT, IN_PAGE
from router.health.probes import AT_ONCE
from router.policy.timeouts import MINIMUM
from tests.depth import QUICK
from tests.docs.made import defaults, errors, services
from tests.docs.made.pages import PARTS, filled
from tests.docs.pages import read

LONG = ("docs/reference/defaults.md", "docs/reference/services.md")
"""Pages that take a second: the sources are read, or the adapters asked."""


@pytest.mark.parametrize("page", [page for page in PARTS if not (QUICK and page in LONG)])
def test_a_page_is_that_of_the_code(page: str) -> None:
    """After a change of the code: python -m tests.docs.made"""
    text = read(page)

    assert filled(page, text) == text
    assert page == "README.md" or "python -m tests.docs.made" in text
    assert text.count("<!-- begin: ") == len(PARTS[page])


@pytest.mark.skipif(QUICK, reason="the sources are read; in full depth")
def test_a_description_names_no_other_default() -> None:
    """`(5)` in the description of a setting is its default."""
    for line in defaults.tables().splitlines():
        row = re.match(r"\| `(\w+)` \| ([\d.]+)(?: s)? \| (.*) \|", line)
        said = re.findall(r"\((\d+(?:\.\d+)?)\)", row[3]) if row else []

        assert row is None or all(float(number) == float(row[2]) for number in said), line


def test_the_sentences_beside_the_defaults_are_true() -> None:
    page = read("docs/reference/defaults.md")

    assert f"No attempt starts with less than {MINIMUM:g} s" in page
    assert f"{AT_ONCE} probes at once" in page


def test_the_first_table_of_the_services_is_true() -> None:
    """It names every adapter, the generations that it tells apart, and who deletes."""
    page = read("docs/reference/services.md")
    first, _, made = page.partition("## What a request can have")
    rows = {
        row[0]: row[1:]
        for row in re.findall(r"^\| `(\w+)` \|" + r" ([^|]+) \|" * 4 + "$", first, re.MULTILINE)
    }
    sent = made.partition("## What is sent")[2].partition("## What comes back")[0]

    assert {name for name, *_ in services.SPOKEN} == set(rows)
    assert "five" in rows["H2o"][1]
    assert len([each for each in services.SPOKEN if each[0] == "H2o"]) == 5
    for generation in (IN_PAGE, CURRENT.partition(" ")[0]):
        assert generation in rows["Opchatgpts"][1]
    for name, cells in rows.items():
        of_it = sent[sent.index(f"`{name}`") :].partition("1. `")[2].partition("| 1. `")[0]
        assert ("DELETE" in of_it) is ("deleted" in cells[3]), name


def test_every_class_of_errors_has_a_row_in_both_tables() -> None:
    for made in (errors.table(), errors.others()):
        assert [f"`{kind.__name__}`" for kind in errors.CLASSES] == re.findall(
            r"^\| (`\w+`)", made, re.MULTILINE
        )
