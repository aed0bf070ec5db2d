"""The table of docs/why/comparison.md, of the record that is kept: how each outcome reads in a cell.

python -m benchmarks.comparison.page     fills the page in again
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import records
from benchmarks.comparison.scenarios import LONGEST, SCENARIOS, TIMES
from benchmarks.comparison.upstream import PIECES
from benchmarks.readme import replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PAGE: Final = Path(__file__).parents[2] / "docs" / "why" / "comparison.md"
NAMES: Final = {
    "ours": "chat-router",
    "litellm": "LiteLLM Router, fallbacks",
    "litellm-group": "LiteLLM Router, one group in order",
    "langchain": "LangChain fallbacks",
    "pydantic-ai": "Pydantic AI FallbackModel",
    "g4f": "g4f",
}
"""Subject -> how a table names it."""
_NEVER: Final = f"no end in {LONGEST:g} s"

if TYPE_CHECKING:
    Result = Mapping[str, Any]


def _failed(result: Result) -> str:
    return f"`{result['error'].rpartition('.')[2]}`"


def _cost(result: Result) -> str:
    """How often the first was asked, where more than once, and how long it took, where that matters."""
    requests, seconds = result["seen"][0]["requests"], result["seconds"]
    asked = f" after {requests} tries" if requests > 1 else ""
    return f"{asked}, {seconds:.1f} s" if asked or seconds >= 0.5 else ""


def moved(result: Result) -> str:
    """A first provider that fails before content."""
    if result["end"] == "error":
        return f"no: {_failed(result)}"
    if result["end"] == "never":
        return f"no: {_NEVER}"
    if not result["text"]:
        return "no: an empty reply"
    whole = all(f"{_second(result)}{number} " in result["text"] for number in range(PIECES))
    return f"yes{_cost(result)}" if whole else "yes, and loses a part of the second's text"


def _second(result: Result) -> str:
    """How the pieces of the second provider's text begin."""
    return f"{result['peer']}-{result['scenario']}-1"


def broken(result: Result) -> str:
    """A reply that breaks off after content."""
    if _second(result) in result["text"]:
        return "the second provider goes on"
    if result["end"] == "whole":
        return "nothing: the cut reply looks whole"
    if result["end"] == "never":
        return _NEVER
    return f"{_failed(result)}, with the text" if result["carries_text"] else _failed(result)


def all_failed(result: Result) -> str:
    """Two providers that both fail."""
    named = "both" if result["both"] else "one" if re.search(r"\b(500|401)\b", result["words"]) else "none"
    return f"{_failed(result)}, names {named}"


def waited(result: Result) -> str:
    """One provider that asks to be left alone for a second."""
    gap = result["seen"][0]["first_gap"]
    if gap is None:
        return f"no: {_failed(result)}"
    return f"waits {gap:.1f} s, then asks again" if gap >= 1 else f"asks again after {gap:.1f} s"


def remembered(result: Result, before: Result) -> str:
    """A second request while the first provider wants to be left alone; `before` is the first request."""
    more = result["seen"][0]["requests"] - before["seen"][0]["requests"]
    if more <= 0:
        return "leaves it alone"
    return f"asks it again, {more} times, {result['seconds']:.1f} s" if more > 1 else "asks it again"


def kept_out(result: Result) -> str:
    """A provider that fails each time."""
    return f"asks it {result['seen'][0]['requests']} times in {TIMES} requests"


def left(result: Result) -> str:
    """A reader that is cancelled."""
    return "closed at once" if result["seen"][0]["left"] else "read on"


def called(result: Result) -> str:
    """A tool call of the second provider."""
    return f"yes{_cost(result)}" if result["called"][:1] == ["weather"] else f"no: {_failed(result)}"


_READ: Final[Mapping[str, Callable[[Result], str]]] = {
    **dict.fromkeys(("cut", "cut-clean", "error-event", "stall-after", "taken"), broken),
    "all": all_failed,
    "wait": waited,
    "sick": kept_out,
    "leave": left,
    "tools": called,
}


def cell(played: Mapping[tuple[str, str], Result], peer: str, scenario: str) -> str:
    """Return what came of a scenario, in a few words."""
    result = played.get((peer, scenario))
    if result is None:
        return "–"
    if scenario == "again":
        return remembered(result, played[peer, "429"])
    return _READ.get(scenario, moved)(result)


def _head(name: str, version: str) -> str:
    library, comma, setting = name.partition(",")
    return f"{library} {version}{comma}{setting}"


def table(record: Mapping[str, Any]) -> str:
    """Return the table of a record."""
    played = {(each["peer"], each["scenario"]): each for each in record["played"]}
    names = [name for name in NAMES if any(peer == name for peer, _ in played)]
    heads = [_head(NAMES[name], record["packages"][name]) for name in names]
    lines = ["| what happens | " + " | ".join(heads) + " |", "|---" * (len(names) + 1) + "|"]
    for scenario in SCENARIOS:
        cells = [cell(played, name, scenario.name) for name in names]
        lines.append(f"| {scenario.about} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def filled(text: str, record: dict[str, Any]) -> str:
    """Return the text of the page with its table made anew."""
    missing = "".join(
        f"\n{NAMES[name]} could not be installed: {why}." for name, why in record["missing"].items()
    )
    of = record["machine"]
    said = (
        f"Run on {of['day']} with {of['python']}; `python -m benchmarks.comparison` runs it again.{missing}"
    )
    return replaced(text, "run", f"{said}\n\n{table(record)}")


def update() -> None:
    """Fill the page in, where there is a record."""
    record = records.load("comparison")
    if record is not None:
        PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), record), encoding="utf-8")


if __name__ == "__main__":
    update()
