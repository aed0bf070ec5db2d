"""Makes Markdown of what was measured."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING, Any

from benchmarks.cases import FAILOVER
from benchmarks.figures import added, ratios

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.figures import Measured


def _time(seconds: float) -> str:
    if math.isnan(seconds):
        return "–"
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} µs"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def cases(found: Sequence[Measured], names: Sequence[str]) -> str:
    """Return one table a case: CPU, wall, first content, peak memory, replies that were not whole."""
    lines: list[str] = []
    for name in names:
        inside = [each for each in found if each.case == name]
        if not inside:
            continue
        lines += [
            f"**{name}**",
            "",
            "| subject | of raw httpx | CPU | wall | first content, p50 / p99 | peak | wrong "
            "| wake-ups a reply | upstream busy |",
            "|---|---|---|---|---|---|---|---|---|",
            *(_row(each, found) for each in inside),
            "",
        ]
    return "\n".join(lines)


def _row(each: Measured, found: Sequence[Measured]) -> str:
    spread = ratios(found, each.case, each.subject)
    part = "–" if spread is None else f"**{spread.median:.2f}** ({spread.low:.2f}–{spread.high:.2f})"
    cpu = each.values("cpu")
    wakeups = f"{each.median('wakeups'):.1f}" if "wakeups" in each.runs[0] else "–"
    wrong = f"{each.wrong} of {each.replies}" + (f" ({', '.join(each.errors)})" if each.errors else "")
    return (
        f"| {each.subject} | {part} "
        f"| {_time(statistics.median(cpu))} ({_time(min(cpu))}–{_time(max(cpu))}) "
        f"| {_time(each.median('wall'))} "
        f"| {_time(each.median('first'))} / {_time(each.median('first_p99'))} "
        f"| {each.median('peak'):.0f} MiB | {wrong} | {wakeups} | {each.upstream:.0%} |"
    )


def failover(found: Sequence[Measured]) -> str:
    """Return what a first provider that fails adds to the time to first content, by subject."""
    names = [case.name for case in FAILOVER if case.fails is not None]
    lines = [f"| subject | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for subject in dict.fromkeys(each.subject for each in found if each.case in names):
        cells: list[str] = []
        for name in names:
            more = added(found, name, f"no failure, {name.rpartition(', ')[2]}", subject)
            cells.append(
                "–"
                if more is None or math.isnan(more.median)
                else f"{_time(more.median)} ({_time(more.low)}–{_time(more.high)})"
            )
        lines.append(f"| {subject} | {' | '.join(cells)} |")
    return "\n".join(lines)


def growth(found: Sequence[Measured], names: Sequence[str], what: str) -> str:
    """Return a table of one curve: CPU of each point, by subject; its cases are called `WHAT: NUMBER`."""
    inside = [each for each in found if each.case in names]
    lines = [
        f"| {what} | {' | '.join(name.partition(': ')[2] for name in names)} |",
        "|---" * (len(names) + 1) + "|",
    ]
    for subject in dict.fromkeys(each.subject for each in inside):
        points = {each.case: each for each in inside if each.subject == subject}
        cells = [
            _time(points[name].median("cpu"))
            + (f", {points[name].wrong} wrong" if points[name].wrong else "")
            if name in points
            else "–"
            for name in names
        ]
        lines.append(f"| {subject} | {' | '.join(cells)} |")
    return "\n".join(lines)


def marks(found: Sequence[Measured]) -> str:
    """Return the CPU of the first requests of a router and of late ones."""
    with_marks = [each for each in found if each.runs[0]["at"]]
    if not with_marks:
        return ""
    names = list(with_marks[0].runs[0]["at"])
    lines = [f"| request | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    lines += [
        f"| {each.subject} | {' | '.join(_time(each.runs[0]['at'][name]) for name in names)} |"
        for each in with_marks
    ]
    return "\n".join(lines)


def imports(found: dict[str, list[float]]) -> str:
    """Return how long each import takes."""
    said = [
        f"`import {name}` {_time(statistics.median(values))} ({_time(min(values))}–{_time(max(values))})"
        for name, values in found.items()
    ]
    return f"In a new process, wall: {'; '.join(said)}."


def garbage(found: dict[str, Any]) -> str:
    """Return what is allocated for a delta."""
    lines = ["| allocated at | blocks a delta | bytes a delta |", "|---|---|---|"]
    kept = found["kept"]
    lines += [f"| `{each['where']}` | {each['blocks']:.2f} | {each['bytes']:.1f} |" for each in kept["lines"]]
    dropped = found["dropped"]["lines"]
    lines += [
        "",
        f"While the reader keeps every delta; a read holds at most {kept['peak_kib']:.0f} KiB besides, and "
        f"the collector's youngest generation runs {kept['collections']:g} times for 1000 deltas. Where the "
        f"reader drops them it runs {found['dropped']['collections']:g} times, and the router itself keeps "
        f"{sum(each['blocks'] for each in dropped):.2f} blocks of "
        f"{sum(each['bytes'] for each in dropped):.0f} "
        "bytes a delta: the text.",
    ]
    return "\n".join(lines)


def soak(record: dict[str, Any]) -> str:
    """Return the result of a soak."""
    asked = sum(record["counts"].values())
    lines = [
        f"{record['seconds']:g} s at {record['rate']:g} requests a second on {record['backend']}: "
        f"{asked} requests ("
        + ", ".join(f"{number} {name}" for name, number in record["counts"].items())
        + f"); {sum(record['failures'].values())} attempts failed on the way ("
        + ", ".join(f"{number} {name}" for name, number in record["failures"].items())
        + ").",
        "",
        "| after the warm-up | least | median | most | growth of the fitted line | allowed | |",
        "|---|---|---|---|---|---|---|",
    ]
    for each in record["judged"]:
        flat = "flat" if each["growth"] <= each["allowed"] else "**grows**"
        lines.append(
            f"| {each['name']} | {each['low']:.6g} | {each['median']:.6g} | {each['high']:.6g} "
            f"| {each['growth']:.3g} | {each['allowed']:.3g} | {flat} |"
        )
    early, late = record["samples"][1], record["samples"][-1]
    lines += [
        "",
        f"CPU of a request around number {early['requests']:.0f}: {_time(early['cpu'])}, around number "
        f"{late['requests']:.0f}: {_time(late['cpu'])}; first content {_time(early['first'])} and "
        f"{_time(late['first'])}.",
    ]
    return "\n".join(lines)
