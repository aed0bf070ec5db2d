"""What is made of the code stands on the pages as it would be made now."""

from __future__ import annotations

import re

import pytest

from router.health.probes import AT_ONCE
from router.policy.timeouts import MINIMUM
from tests.docs.made import defaults, errors
from tests.docs.made.pages import PARTS, filled
from tests.docs.pages import read


@pytest.mark.parametrize("page", PARTS)
def test_a_page_is_that_of_the_code(page: str) -> None:
    """After a change of the code: python -m tests.docs.made"""
    text = read(page)

    assert filled(page, text) == text
    assert page == "README.md" or "python -m tests.docs.made" in text
    assert text.count("<!-- begin: ") == len(PARTS[page])


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


def test_every_class_of_errors_has_a_row_in_both_tables() -> None:
    for made in (errors.table(), errors.others()):
        assert [f"`{kind.__name__}`" for kind in errors.CLASSES] == re.findall(
            r"^\| (`\w+`)", made, re.MULTILINE
        )
