"""The table of what is known about each preset, and how it became known; made of the rows.

A mark says no more than was done: no cell claims that a service was asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from adapters.openai.presets.naming import PRESETS
from adapters.openai.presets.preset import Preset, Proof

_ERRORS: Final = ("context error", "refusal", "rate limit")
"""These are recognised by their words and codes, the same way for all services; no row has its own."""
COLUMNS: Final = ("stream", "tools", "images", "json", "reasoning", "usage", *_ERRORS, "probe")
_MARKS: Final = {
    Proof.SERVER: "s", Proof.RECORDED: "r", Proof.DOCUMENTED: "d", Proof.CLIENT: "c", Proof.UNKNOWN: "?"
}  # fmt: skip
_LEGEND: Final = (
    "s: a real server answered so in the tests of this project. r: recordings of others, played in the "
    "tests. d: the documentation of the service says so. c: the code or documentation of a client, or "
    "reports of users, say so. ?: assumed, not looked up."
)


@dataclass(frozen=True, slots=True)
class Cell:
    """What is known about one ability of one preset.

    Attributes:
        value: `yes`, `no`, or a word that says more.
        proof: How it became known.
    """

    value: str
    proof: Proof

    def __str__(self) -> str:
        return f"{self.value} {_MARKS[self.proof]}"


def cells_of(preset: Preset) -> dict[str, Cell]:
    """Return the cells of a preset, in the order of `COLUMNS`."""
    abilities = preset.settings.get("capabilities", {})

    def cell(column: str, value: str) -> Cell:
        return Cell(value, preset.known.get(column, Proof.UNKNOWN))

    return {
        "stream": cell("stream", "yes" if preset.settings.get("stream", True) else "no"),
        "tools": cell("tools", _word(abilities.get("tools", True))),
        "images": cell("images", "by model" if abilities.get("images", True) else "no"),
        "json": cell("json", preset.json),
        "reasoning": cell("reasoning", preset.reasoning or "any"),
        "usage": cell("usage", "asked for" if preset.settings.get("stream_options", True) else "unasked"),
        **{column: cell(column, "by words") for column in _ERRORS},
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


def _word(able: bool) -> str:
    return "yes" if able else "no"
