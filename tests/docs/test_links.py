"""Every relative link of the manual leads to a file, and to a heading in it; every page can be reached."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import PAGES, README, ROOT, read

if TYPE_CHECKING:
    from pathlib import Path

_FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def _links(page: Path) -> list[str]:
    text = re.sub(r"`[^`\n]*`", "", _FENCED.sub("", page.read_text(encoding="utf-8")))
    return [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if not re.match(r"[a-z]+:", link)]


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _FENCED.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_link_leads_somewhere(page: Path) -> None:
    for link in _links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page

        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target), link


def test_a_search_for_timeouts_finds_the_pages() -> None:
    """They are called clocks in some places; the word that people search for must be there, too."""
    assert "timeouts](reference/defaults.md)" in read("docs/index.md").replace("[each timeout]", "[timeouts]")
    assert "timeouts](docs/reference/defaults.md)" in read("README.md")
    assert "| timeout |" in read("docs/architecture.md")
    assert "## Its own timeouts" in read("docs/guides/keys-and-tenants.md")


def test_every_page_is_reached_from_the_index() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "docs" / "index.md"]
    while waiting:
        page = waiting.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        waiting += [(page.parent / link.partition("#")[0]).resolve() for link in _links(page)]

    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} <= reached
    assert (ROOT / "docs" / "index.md").relative_to(ROOT).as_posix() in _links(README)
