"""What the project wants to reach, each with how it is read from a record; the README says reached or not."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from benchmarks.cases import MANY, REPLIES
from benchmarks.figures import Measured, added, against, find, ratios

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Found: TypeAlias = Sequence[Measured]
    Read: TypeAlias = Callable[[Found, dict[str, Any]], "Value | None"]

OURS: Final = "ours"
TRIO: Final = "ours, trio"


@dataclass(frozen=True, slots=True)
class Value:
    """What was measured: as text, and as the number that is compared with the goal."""

    text: str
    number: float


@dataclass(frozen=True, slots=True)
class Goal:
    """One line of the table.

    Attributes:
        name: What is measured.
        wanted: The goal in words.
        most: The number that must not be exceeded.
        read: Finds the value in the measurements and the record, or None where it was not measured.
    """

    name: str
    wanted: str
    most: float
    read: Read


def _part(case: str, most: float, figure: str = "cpu") -> Goal:
    def read(found: Found, record: dict[str, Any]) -> Value | None:
        spread = ratios(found, case, OURS, figure)
        if spread is None:
            return None
        text = f"{spread.median:.2f} ({spread.low:.2f}–{spread.high:.2f})"
        return Value(text, round(spread.median, 2))

    what = "time to first content" if figure == "first" else "CPU"
    return Goal(f"{case}: {what}, of raw httpx", f"{most:g}", most, read)


def _of_limit(case: str, most: float) -> Goal:
    def read(found: Found, record: dict[str, Any]) -> Value | None:
        part = against(found, case, OURS, "limit")
        return None if part is None else Value(f"{part:.2f}", round(part, 2))

    return Goal(f"{case}: CPU, of the hand-written limit", f"{most:g}", most, read)


def _figure(case: str, subject: str, figure: str, most: float, unit: str, scale: float = 1.0) -> Goal:
    def read(found: Found, record: dict[str, Any]) -> Value | None:
        each = find(found, case, subject)
        if each is None:
            return None
        values = [scale * value for value in each.values(figure)]
        middle = statistics.median(values)
        return Value(f"{middle:.3g} {unit} ({min(values):.3g}–{max(values):.3g})", middle)

    names = {"wall": "all whole after", "first_p99": "first content, p99", "peak": "peak memory"}
    backend = ", trio" if subject == TRIO else ""
    return Goal(f"{case}{backend}: {names[figure]}", f"{most:g} {unit}", most, read)


def _wrong(found: Found, record: dict[str, Any]) -> Value | None:
    each = [one for one in found if one.subject.startswith(OURS)]
    wrong = sum(one.wrong for one in each)
    return Value(f"{wrong} of {sum(one.replies for one in each)}", wrong) if each else None


def _failing(failure: str, heat: str, most: float) -> Goal:
    def read(found: Found, record: dict[str, Any]) -> Value | None:
        more = added(found, f"{failure}, {heat}", f"no failure, {heat}", OURS)
        if more is None:
            return None
        low, middle, high = (1e3 * value for value in (more.low, more.median, more.high))
        return Value(f"{middle:.2f} ms ({low:.2f}–{high:.2f})", middle)

    name = f"failing over from {failure}, {heat}: added time to first content"
    return Goal(name, f"{most:g} ms", most, read)


def _handshake(found: Found, record: dict[str, Any]) -> Value | None:
    plain, tls = (find(found, case.name, OURS) for case in MANY[1:])
    if plain is None or tls is None:
        return None
    more = (tls.median("cpu") - plain.median("cpu")) * 1e3
    return Value(f"{more:.2f} ms", more)


def _trio(found: Found, record: dict[str, Any]) -> Value | None:
    parts = [(part, case.name) for case in REPLIES if (part := against(found, case.name, TRIO, OURS))]
    return Value(f"{max(parts)[0]:.2f} ({max(parts)[1]})", max(parts)[0]) if parts else None


def _importing(found: Found, record: dict[str, Any]) -> Value | None:
    values = record.get("imports", {}).get("router")
    if not values:
        return None
    middle = statistics.median(values)
    return Value(f"{middle:.3f} s ({min(values):.3f}–{max(values):.3f})", middle)


def _growth(name: str, first: str, last: str, most: float) -> Goal:
    def read(found: Found, record: dict[str, Any]) -> Value | None:
        one, other = find(found, first, OURS), find(found, last, OURS)
        if one is None or other is None:
            return None
        grown = other.median("cpu") / one.median("cpu")
        return Value(f"{grown:.2f} times", grown)

    return Goal(name, f"{most:g} times at most", most, read)


def _history(found: Found, record: dict[str, Any]) -> Value | None:
    costs: list[float] = []
    for subject in (OURS, "httpx"):
        short, long = find(found, "messages: 2", subject), find(found, "messages: 2000", subject)
        if short is None or long is None:
            return None
        costs.append(long.median("cpu") - short.median("cpu"))
    if costs[1] <= 0:
        return None  # so noisy that more messages seem to cost nothing
    return Value(f"{costs[0] / costs[1]:.2f}", costs[0] / costs[1])


def _later(found: Found, record: dict[str, Any]) -> Value | None:
    each = find(found, "requests", OURS)
    if each is None or "10000" not in each.runs[0]["at"]:
        return None
    at = each.runs[0]["at"]
    return Value(f"{at['10000'] / at['100']:.2f} times", at["10000"] / at["100"])


_NAMES: Final = [case.name for case in REPLIES]
_MANY: Final = [case.name for case in MANY]
GOALS: Final = (
    _part(_NAMES[0], 0.40),
    _part(_NAMES[1], 0.25),
    _of_limit(_NAMES[2], 1.2),
    _part(_NAMES[3], 0.70),
    _part(_NAMES[4], 0.45, "first"),
    _part(_NAMES[5], 0.40),
    _part(_NAMES[6], 0.25),
    _figure(_MANY[0], OURS, "wall", 0.56, "s"),
    _figure(_MANY[0], OURS, "first_p99", 50, "ms", 1e3),
    _figure(_MANY[1], OURS, "wall", 0.8, "s"),
    _figure(_MANY[1], OURS, "first_p99", 200, "ms", 1e3),
    _figure(_MANY[1], OURS, "peak", 100, "MiB"),
    _figure(_MANY[1], TRIO, "wall", 0.8, "s"),
    Goal("TLS: CPU of a cold handshake", "1 ms", 1.0, _handshake),
    _figure(_MANY[2], OURS, "wall", 1.8, "s"),
    _figure(_MANY[2], OURS, "peak", 120, "MiB"),
    *(
        _failing(failure, heat, most)
        for heat, most in (("warm", 0.4), ("cold", 1.0))
        for failure in ("a 500", "a 429", "a refused connection")
    ),
    Goal("trio, of asyncio: the worst case of replies one by one", "1.3", 1.3, _trio),
    Goal("`import router`, wall", "0.10 s", 0.10, _importing),
    _growth("100 providers against 1: CPU of a request", "providers: 1", "providers: 100", 1.1),
    Goal("what 1998 more messages cost, of raw httpx", "1", 1.0, _history),
    _growth("a delta of 50 000 against one of 50", "deltas: 50", "deltas: 50000", 1.0),
    Goal("the 10 000th request against the 100th: CPU", "1.1 times at most", 1.1, _later),
    Goal("replies of the router that were not whole", "0", 0.0, _wrong),
)


def table(found: Found, record: dict[str, Any]) -> str:
    """Return the goals as Markdown, each with what was measured and whether it is reached."""
    lines = ["| | goal | measured | |", "|---|---|---|---|"]
    for goal in GOALS:
        value = goal.read(found, record)
        text = "–" if value is None else value.text
        verdict = (
            "not measured" if value is None else "reached" if value.number <= goal.most else "**missed**"
        )
        lines.append(f"| {goal.name} | {goal.wanted} | {text} | {verdict} |")
    return "\n".join(lines)
