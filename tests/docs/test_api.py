"""The pages of the API are those of the docstrings, and no public name is missing."""

from __future__ import annotations

from importlib import import_module

import pytest

from tests.depth import QUICK
from tests.docs import api
from tests.docs.pages import read


@pytest.mark.skipif(QUICK, reason="the sources are read; in full depth")
def test_the_pages_are_those_of_the_docstrings() -> None:
    """After a change of a public name or docstring: python -m tests.docs.api"""
    texts = api.texts()

    assert set(texts) == {file.name for file in api.FOLDER.iterdir()}
    for file, text in texts.items():
        assert text == (api.FOLDER / file).read_text(encoding="utf-8"), file


@pytest.mark.skipif(QUICK, reason="the sources are read; in full depth")
def test_a_blocking_method_is_shown_with_the_parameters_of_the_other() -> None:
    stream = api.found("router.SyncRouter.stream")

    assert "*args" not in api.texts()["sync.md"]
    assert "    stream(messages: Sequence[Message | " in api.texts()["sync.md"]
    assert stream.docstring is not None
    assert "AllProvidersFailed:" in stream.docstring.value


def test_every_public_name_is_on_one_page() -> None:
    shown = [path.rpartition(".") for page in api.PAGES for path in page.paths]
    things = [id(getattr(import_module(package), name)) for package, _, name in shown]
    missing = [
        f"{package}.{name}"
        for package in api.PACKAGES
        for name in import_module(package).__all__
        if id(getattr(import_module(package), name)) not in things
    ]

    assert not missing, f"give each a page in {api.__name__}, then run it"
    assert len(set(shown)) == len(shown)


def test_every_page_is_in_the_navigation() -> None:
    navigation = read("mkdocs.yml")

    assert [page.name for page in api.PAGES if f"reference/api/{page.name}.md" not in navigation] == []


@pytest.mark.skipif(QUICK, reason="the sources are read; in full depth")
def test_a_first_sentence_ends_where_the_next_one_begins() -> None:
    """Read without the site, a page must still say what each name is."""
    rows = [line for text in api.texts().values() for line in text.splitlines() if line.startswith("| [`")]

    assert len(rows) == sum(len(page.paths) for page in api.PAGES)
    assert all(len(row.split(" | ")[1]) > len("What it is.") for row in rows)
