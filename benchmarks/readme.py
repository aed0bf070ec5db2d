"""Fills the README of the benchmark in: what stands between two markers is made of the records that are kept.

<!-- begin: NAME -->
...
<!-- end: NAME -->
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import cases, goals, plots, records, tables
from benchmarks.figures import find, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.cases import Case
    from benchmarks.figures import Measured

README: Final = Path(__file__).parent / "README.md"
CURVES: Final = (
    ("streams", "streams at once", "CPU of a stream, ms", cases.STREAMS, 1e3),
    ("sizes", "deltas of a reply", "CPU of a delta, µs", cases.SIZES, 1e6),
    ("histories", "messages of a request", "CPU of a request, ms", cases.HISTORIES, 1e3),
    ("providers", "providers in the chain", "CPU of a request, ms", cases.PROVIDERS, 1e3),
)


def replaced(text: str, name: str, content: str) -> str:
    """Return the text with new content between the two markers of a name.

    Raises:
        LookupError: The text has no such markers.
    """
    begin, end = f"<!-- begin: {name} -->", f"<!-- end: {name} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    if not pattern.search(text):
        raise LookupError(
            f"the README has no markers of {name!r}; add `{begin}` and `{end}`, each on its own line"
        )
    return pattern.sub(lambda _: f"{begin}\n\n{content.strip()}\n\n{end}", text)


def chart(found: Sequence[Measured], names: Sequence[str], title: str) -> str:
    """Return the ratios of CPU to raw httpx of these cases as bars."""
    rows = [
        plots.Bar(each.case, each.subject, part, each.subject.startswith("ours"))
        for name in names
        for each in found
        if each.case == name and (part := ratio(found, name, each.subject)) is not None
    ]
    return plots.bars(title, rows)


def curve(found: Sequence[Measured], across: str, up: str, points: Sequence[Case], scale: float) -> str:
    """Return one curve a subject: the median CPU of each point."""
    inside = [each for each in found if each.case in {case.name for case in points}]
    lines: list[plots.Line] = []
    for subject in dict.fromkeys(each.subject for each in inside):
        placed: list[tuple[float, float]] = []
        for case in points:
            each = find(inside, case.name, subject)
            if each is not None and each.median("cpu") > 0:
                placed.append((float(case.name.partition(": ")[2]), scale * each.median("cpu")))
        if placed:
            lines.append(plots.Line(subject, placed))
    return plots.curves(f"{up}, by {across}", across, up, lines)


def bench(record: dict[str, Any], folder: Path) -> dict[str, str]:
    """Write the plots of `make bench`; return the parts of the README by name."""
    found = records.from_json(record["measured"])
    one_by_one, many = [case.name for case in cases.REPLIES], [case.name for case in cases.MANY]
    (folder / "bench.svg").write_text(chart(found, one_by_one, "CPU, raw httpx = 1"), encoding="utf-8")
    grown: list[str] = []
    for name, across, up, points, scale in CURVES:
        (folder / f"{name}.svg").write_text(curve(found, across, up, points, scale), encoding="utf-8")
        grown += [
            tables.growth(found, [case.name for case in points], across), "",
            f"![{up}, by {across}](results/{name}.svg)", "",
        ]  # fmt: skip
    grown.append(tables.marks(found))
    rounds = max(len(each.runs) for each in found)
    return {
        "machine": f"{records.described(record)} At most {rounds} rounds, {record['seconds']:.0f} s in all.",
        "goals": goals.table(found, record),
        "replies": tables.cases(found, one_by_one) + "\n![CPU, raw httpx = 1](results/bench.svg)",
        "many": tables.cases(found, many),
        "failover": tables.failover(found),
        "growth": "\n".join(grown),
        "imports": tables.imports(record["imports"]),
        "garbage": tables.garbage(record["garbage"]),
    }


def peers(record: dict[str, Any], folder: Path) -> dict[str, str]:
    """Write the plot of `make bench-peers`; return the part of the README."""
    found = records.from_json(record["measured"])
    names = list(dict.fromkeys(each.case for each in found))
    plain = [case.name for case in (*cases.REPLIES, *cases.MANY) if case.name in names]
    bars = [case.name for case in cases.REPLIES if case.name in names]
    (folder / "peers.svg").write_text(chart(found, bars, "CPU, raw httpx = 1"), encoding="utf-8")
    packages = "; ".join(f"{name}: {what}" for name, what in record["packages"].items())
    missing = [f"- {name} could not be installed: {why}" for name, why in record["missing"].items()]
    return {
        "peers": "\n".join(
            [
                f"{records.described(record)} Peers: {packages}.", "", *missing, "",
                tables.cases(found, plain), "![CPU, raw httpx = 1](results/peers.svg)", "",
                "Added to the time to first content by a first provider that fails:", "",
                tables.failover(found),
            ]
        )
    }  # fmt: skip


def soak(record: dict[str, Any]) -> str:
    """Return the part of the README about a soak."""
    return f"{records.described(record)}\n\n{tables.soak(record)}"


def update(readme: Path = README, folder: Path = records.RESULTS) -> None:
    """Fill everything in of which there is a record."""
    parts: dict[str, str] = {}
    if (record := records.load("bench", folder)) is not None:
        parts |= bench(record, folder)
    if (record := records.load("peers", folder)) is not None:
        parts |= peers(record, folder)
    if (record := records.load("soak", folder)) is not None:
        parts["soak"] = soak(record)
    text = readme.read_text(encoding="utf-8")
    for name, content in parts.items():
        text = replaced(text, name, content)
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    update()
