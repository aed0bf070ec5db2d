"""The lines that the default observer writes, found by showing it each event."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, get_args

import structlog

from adapters import ProbeResult, RateLimited, Switch, Usage
from router import (
    AdapterBroke,
    Attempt,
    AttemptEnded,
    AttemptStarted,
    CleanUpFailed,
    Cost,
    CostBooked,
    Event,
    ObserverFailed,
    ProbeEnded,
    ReplySwitched,
    RequestEnded,
    RequestStarted,
    SharingChanged,
    Verdict,
    WaitStarted,
)
from router.observers.structlog import LogObserver
from tests.docs.made.table import table

if TYPE_CHECKING:
    from collections.abc import Iterator

_COST: Final = Cost(Decimal(1), "usd")
_USAGE: Final = Usage(1, 2, 3, 4, 5, 6)
_ERROR: Final = RateLimited("slow down")
FAILED: Final = Attempt(
    "one", 1, 1, "answering", "failed", error=_ERROR, reason="slow down", dropped=("seed",), repeat=True,
    rewritten=("joined",), cost=_COST, wasted=True, key="#2",
)  # fmt: skip
COMMITTED: Final = Attempt("two", 2, 1, "content", "committed", started=1.0, seconds=1.0)
STARTED: Final = RequestStarted("id", ("one", "two"), 1, "small")
SWITCHED: Final = ReplySwitched("id", Switch("restart", "one", "two", 3), _ERROR)
LEFT: Final = CleanUpFailed("id", "one", _ERROR)


def ended(verdict: Verdict, *, much: bool) -> RequestEnded:
    """A request that ended; with everything that its record can hold, or with little."""
    attempts = (FAILED, COMMITTED) if much else (COMMITTED,)
    error = None if verdict == "complete" else _ERROR
    head = ("id", verdict, "two", "small", attempts, 1.0, 2.0, 3, 4)
    return RequestEnded(*head, error, "stop", _USAGE, True, _COST) if much else RequestEnded(*head)


def every() -> Iterator[Event]:
    """Each event, with much and with little in it."""
    for much in (True, False):
        for verdict in get_args(Verdict):
            yield ended(verdict, much=much)
    yield STARTED
    yield AttemptStarted("id", "one", 1, 1, 30.0)
    yield AttemptEnded("id", FAILED)
    yield AttemptEnded("id", FAILED)
    yield AttemptEnded("id", COMMITTED)
    yield WaitStarted("id", 1, 0.1)
    yield SWITCHED
    yield ProbeEnded("one", ProbeResult(True, "it lists its models"))
    yield LEFT
    yield CostBooked("id", "one", "small", _USAGE, _COST, wasted=False)
    yield AdapterBroke("id", "one", _ERROR)
    yield SharingChanged(shared=False, reason="ConnectionError", replicas=1)
    yield SharingChanged(shared=True, reason="", replicas=2)
    yield ObserverFailed("one", _ERROR)


def _written() -> list[dict[str, Any]]:
    observer = LogObserver(clock=lambda: 0.0)
    before = structlog.get_config() if structlog.is_configured() else None
    structlog.configure()  # else the lines go to the standard library's logger
    try:
        with structlog.testing.capture_logs() as found:
            for event in every():
                observer(event)
    finally:
        structlog.reset_defaults()
        if before is not None:
            structlog.configure(**before)
    return [dict(line) for line in found]


def lines() -> str:
    """A row for each name: its levels, and its fields; those that are not always there in italics."""
    levels: dict[str, list[str]] = {}
    fields: dict[str, dict[str, int]] = {}
    times: dict[str, int] = {}
    for line in _written():
        name, level = line.pop("event"), line.pop("log_level")
        times[name] = times.get(name, 0) + 1
        if level not in levels.setdefault(name, []):
            levels[name].append(level)
        for field in line:
            counts = fields.setdefault(name, {})
            counts[field] = counts.get(field, 0) + 1
    rows = []
    for name in sorted(levels):
        words = [field if count == times[name] else f"*{field}*" for field, count in fields[name].items()]
        rows.append((f"`{name}`", ", ".join(levels[name]), ", ".join(words)))
    return table(("event", "level", "fields"), rows)
