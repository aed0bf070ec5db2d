"""The parts of the README that are made of records: the comparison, and the figures of the benchmark."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Any, Final

from benchmarks import goals, records
from benchmarks.comparison.page import NAMES, cell
from benchmarks.figures import added, find, ratio
from tests.docs.made.table import table
from tests.docs.pages import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.figures import Measured

WIDTH: Final = 124
_RUN: Final = {
    "500": "the first provider answers 500",
    "pings": "the first provider only pings; 1 s is allowed",
    "cut-clean": "the reply stops without its end mark",
    "all": "both providers fail, with 500 and 401",
    "sick": "ten requests; the first provider always fails",
}
"""Scenario -> how the README calls it."""
_READ: Final = ("services", "state shared by processes")
_SHOWN: Final = ("ours", "litellm-group", "langchain", "pydantic-ai", "g4f")


def _record(name: str) -> dict[str, Any]:
    record = records.load(name)
    if record is None:
        raise LookupError(f"benchmarks/results has no {name}.json; it is kept with the sources")
    return record


def beside() -> str:
    """What was run and read of other libraries, in short."""
    record = _record("comparison")
    played = {(each["peer"], each["scenario"]): each for each in record["played"]}
    page = read("docs/why/comparison.md")
    rows = [
        *(_of_page(page, label) for label in _READ[:1]),
        *([label, *(cell(played, name, each) for name in _SHOWN), "–"] for each, label in _RUN.items()),
        *(_of_page(page, label) for label in _READ[1:]),
    ]
    heads = [f"{NAMES[name].partition(',')[0]} {record['packages'][name]}" for name in _SHOWN]
    said = (
        f"Run on {record['machine']['day']} with two providers"
        " ([all cases, and how they were run](docs/why/comparison.md)). In LiteLLM both providers stand in"
        " one group. The rows in italics and the column Bifrost are taken from documentation."
    )
    return f"{said}\n\n{table(['', *heads, 'Bifrost'], rows)}"


def _of_page(page: str, label: str) -> list[str]:
    (cells,) = re.findall(rf"^\| {label} \| (.*) \|$", page, re.MULTILINE)
    return [f"*{label}*", *cells.split(" | ")]


def figures() -> str:
    """What `make bench` measured, in short."""
    record = _record("bench")
    found = records.from_json(record["measured"])
    values = [goal.read(found, record) for goal in goals.GOALS]
    reached = sum(
        value is not None and value.number <= goal.most
        for goal, value in zip(goals.GOALS, values, strict=True)
    )
    many = find(found, "1000 streams at once, 10 ms apart", "ours")
    failing = added(found, "a 500, warm", "no failure, warm", "ours")
    if many is None or failing is None:
        raise LookupError("bench.json lacks the cases that the README quotes; run make bench")
    of = record["machine"]
    said = [
        f"`make bench`, {of['day']}, {of['cores']} shared cores: {reached} of {len(values)} speed goals",
        "are reached ([all](benchmarks/README.md)). CPU time of the client, where raw httpx is 1.00 and less",
        "is better (in brackets: aiohttp): a reply of 50 pieces",
        f"{_pair(found, '50 deltas, a write each')}; a reply of 5000 pieces in large packets",
        f"{_pair(found, '5000 deltas, large writes')}; until the first words come",
        f"{_pair(found, 'first content, warm')}. Failing over from a 500 adds {1e3 * failing.median:.2f} ms.",
        f"1000 streams at once take {many.median('wall'):.2f} s, of which the server takes 0.5, and",
        f"{many.median('peak'):.0f} MiB.",
    ]
    return textwrap.fill(" ".join(said), WIDTH, break_on_hyphens=False)


def _pair(found: Sequence[Measured], case: str) -> str:
    ours, theirs = ratio(found, case, "ours"), ratio(found, case, "aiohttp")
    if ours is None or theirs is None:
        raise LookupError(f"bench.json lacks the case {case!r}, which the README quotes; run make bench")
    return f"{ours:.2f} ({theirs:.2f})"
