"""The pages of the manual, README included, and the blocks of code on them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "README.md"
PAGES: Final = [
    README,
    *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md") if (ROOT / name).exists()),
    # A draft becomes a page when its examples run and the index names it.
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.parent.name != "drafts"),
]

_BLOCK: Final = re.compile(
    r"(?P<reason><!-- (?:shown, not run: .+?|run apart, by (?P<apart>\S+)) -->\n+)?"
    r"^```(?P<language>\w+)\n(?P<text>.*?)^```\n"
    r"(?:\n(?:[^\n]+ prints\n\n)?```text\n(?P<printed>.*?)^```\n)?",
    re.MULTILINE | re.DOTALL,
)


def read(page: str) -> str:
    """The text of a page, by its path from the root."""
    return (ROOT / page).read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    """A block of code.

    Attributes:
        name: Its page and line.
        language: What the fence says.
        text: The code.
        printed: The block ```text right behind it, or behind a line that ends with `prints`: the lines that
            it prints; … stands for anything.
        runs: Whether no comment before it says why it is only shown, or which test runs it apart.
        apart: The test that runs it apart, such as with a client beside it; its path from the root.
    """

    name: str
    language: str
    text: str
    printed: list[str]
    runs: bool
    apart: str | None = None

    @property
    def page(self) -> str:
        """The path of its page from the root."""
        return self.name.rpartition(":")[0]


def blocks(language: str) -> Iterator[Block]:
    """The blocks of one language on all pages."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in _BLOCK.finditer(text):
            if found["language"] == language:
                line = text.count("\n", 0, found.start("text"))
                printed = (found["printed"] or "").splitlines()
                name = f"{page.relative_to(ROOT)}:{line}"
                yield Block(name, language, found["text"], printed, found["reason"] is None, found["apart"])
