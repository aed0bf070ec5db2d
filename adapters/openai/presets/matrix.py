"""The table of what is known about each preset, and how it became known; made of the rows.

A mark says no more than was done: no cell claims that a service was asked which was not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from adapters.contract.errors import ContentRefused, ContextTooLong, RateLimited
from adapters.openai.presets.evidence import EVIDENCE, Finding
from adapters.openai.presets.naming import PRESETS
from adapters.openai.presets.preset import Preset, Proof
from adapters.wire.vendor.words import BLAME, CODES, OVERRIDES, PHRASES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from adapters.contract.errors import AdapterError

ERRORS: Final[Mapping[str, type[AdapterError]]] = MappingProxyType({
    "context error": ContextTooLong, "refusal": ContentRefused, "rate limit": RateLimited,
})  # fmt: skip
"""These are recognised by words and codes, the same way for all services; no row has its own."""
COLUMNS: Final = ("stream", "tools", "images", "json", "reasoning", "usage", *ERRORS, "probe")
_MARKS: Final = {
    Proof.SERVER: "s", Proof.RECORDED: "r", Proof.DOCUMENTED: "d", Proof.CLIENT: "c", Proof.UNKNOWN: "?"
}  # fmt: skip
_LEGEND: Final = (
    "s: a real server answered so in the tests of this project. r: an answer that others recorded or "
    "reported shows it, and one of the same form is read in the tests. d: the documentation or the source of "
    "the service says so. c: the code or documentation of a client, or reports of users, say so. ?: assumed, "
    "not found out."
)
_OF_OTHERS: Final = re.compile(
    r"//github\.com/[^/]+/[^/]+/(?:issues|pull|discussions)|//github\.com/badlogic/|//forums\.|portkey\.ai/"
    r"|developersdigest"
)


@dataclass(frozen=True, slots=True)
class Cell:
    """What is known about one ability of one preset.

    Attributes:
        value: `yes`, `no`, or a word that says more.
        proof: How it became known.
        source: The address of what says so, or the test of this project that shows it; empty for UNKNOWN.
    """

    value: str
    proof: Proof
    source: str = ""

    def __str__(self) -> str:
        return f"{self.value} {_MARKS[self.proof]}"


def cells_of(preset: Preset) -> dict[str, Cell]:
    """Return the cells of a preset, in the order of `COLUMNS`."""
    abilities = preset.settings.get("capabilities", {})

    def cell(column: str, value: str) -> Cell:
        found = _finding(preset, column)
        return Cell(value, Proof.UNKNOWN) if found is None else Cell(value, found.proof, found.source)

    return {
        "stream": cell("stream", "yes" if preset.settings.get("stream", True) else "no"),
        "tools": cell("tools", _word(abilities.get("tools", True))),
        "images": cell("images", "by model" if abilities.get("images", True) else "no"),
        "json": cell("json", preset.json),
        "reasoning": cell("reasoning", preset.reasoning or "any"),
        "usage": cell("usage", "asked for" if preset.settings.get("stream_options", True) else "unasked"),
        **{column: cell(column, "by words") for column in ERRORS},
        "probe": cell("probe", "list" if preset.settings.get("models_path", "/models") else "answers only"),
    }


def matrix() -> str:
    """Return the table of all presets in Markdown, with its legend."""
    head = ["preset", *COLUMNS]
    rows = [[name, *(str(cell) for cell in cells_of(each).values())] for name, each in PRESETS.items()]
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    lines = ["| " + " | ".join(text.ljust(widths[at]) for at, text in enumerate(row)) + " |" for row in rows]
    top = "| " + " | ".join(text.ljust(widths[at]) for at, text in enumerate(head)) + " |"
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([top, rule, *lines, "", _LEGEND]) + "\n"


def page() -> str:
    """Return the page of the manual: the table, and the source of each cell."""
    parts = [_HEAD, matrix(), "\n## What says so\n"]
    for preset in PRESETS.values():
        by_source: dict[str, list[str]] = {}
        for column, cell in cells_of(preset).items():
            if cell.proof is not Proof.UNKNOWN:
                by_source.setdefault(f"{_MARKS[cell.proof]}, {_linked(cell.source)}", []).append(column)
        lines = [f"- {', '.join(columns)}: {source}" for source, columns in by_source.items()]
        if preset.model_source:
            lines.insert(0, f"- the usual model `{preset.model}`: d, {_linked(preset.model_source)}")
        if preset.ended:
            lines.insert(0, "- ended " + _ADDRESS.sub(r"(<\1>)", preset.ended))
        parts.append(f"\n**{preset.title}**\n\n" + ("\n".join(lines) or "Nothing was found out.") + "\n")
    return "".join(parts)


_HEAD: Final = """\
# What is known of each preset, and how

<!-- written by `chat-router providers --matrix`; change the findings, not this page -->

Each cell says what a preset can do, and how that became known. `by words`: the error is recognised by what
the service says. `by model`: it depends on the model. `asked for`: the usage of a stream is asked for by
`stream_options`; `unasked`: it comes without. `list`: the probe `reach` reads the list of models; `answers
only`: there is none, so it says that something answers, and nothing about the key.

"""


_ADDRESS: Final = re.compile(r"\((https:[^)]+)\)")


def _linked(source: str) -> str:
    return f"<{source}>" if source.startswith("https:") else f"`{source}`"


def _word(able: bool) -> str:
    return "yes" if able else "no"


def _finding(preset: Preset, column: str) -> Finding | None:
    """Return the strongest finding about a column, or None where there is none."""
    found = [each for each in (*EVIDENCE[preset.name], *_of_words(preset, column)) if column in each.columns]
    order = list(_MARKS)
    return min(found, key=lambda each: order.index(each.proof), default=None)


def _of_words(preset: Preset, column: str) -> Iterator[Finding]:
    """Yield what the table of vendors' words says about a column of errors."""
    kind = ERRORS.get(column)
    for section in (*OVERRIDES, *CODES, *PHRASES, *BLAME):
        if kind is None or section.kind is not kind:
            continue
        for row in section.rows:
            if row.vendor == preset.vendor:
                proof = Proof.CLIENT if _OF_OTHERS.search(row.source) else Proof.DOCUMENTED
                yield Finding((column,), proof, row.source)
