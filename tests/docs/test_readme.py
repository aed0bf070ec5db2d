"""The README is for a newcomer: short, and true. Its examples are run by test_examples."""

from __future__ import annotations

from adapters.openai.presets import PRESETS, page
from tests.docs.pages import README, read


def test_the_readme_is_short() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 200


def test_the_readme_counts_the_presets() -> None:
    assert 25 == sum(not each.ended for each in PRESETS.values())  # what has ended is not promised
    assert "Twenty-five services" in read("README.md")
    assert "25 presets" in read("README.md")


def test_the_manual_has_the_matrix_of_the_presets() -> None:
    """Written by `chat-router providers --matrix > docs/guides/presets-matrix.md`."""
    assert page() == read("docs/guides/presets-matrix.md")
