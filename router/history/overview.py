"""The overview of a period, read provider by provider."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from router.history.changes import Change, changes
from router.history.outages import Outage, outages
from router.history.trends import Trend, trends
from router.history.uptime import Day, uptime

if TYPE_CHECKING:
    from router.history.costs import DayCosts
    from router.history.file import HistoryFile

_DAY: Final = 86400
SCHEMA: Final = "chat-router/history/1"
"""The name of the form of `Overview.as_dict()`; a change that could break a reader changes it."""


@dataclass(frozen=True, slots=True)
class Past:
    """What a history says of one provider.

    Attributes:
        provider: Its name.
        uptime: Day by day.
        change: How its last report differs from the one before it; None where it does not.
        changes: All changes in the time, the oldest first.
        trends: How fast it was, day by day.
        outages: When it was out, the oldest first.
        costs: What was spent on it, day by day.
    """

    provider: str
    uptime: tuple[Day, ...]
    change: Change | None
    changes: tuple[Change, ...]
    trends: tuple[Trend, ...]
    outages: tuple[Outage, ...]
    costs: tuple[DayCosts, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able form: days and times as ISO 8601 in UTC, durations in seconds."""
        return {
            "provider": self.provider,
            "uptime": [_plain(day) | {"uptime": _rounded(day.uptime, 5)} for day in self.uptime],
            "change": None if self.change is None else _plain(self.change),
            "changes": [_plain(change) for change in self.changes],
            "trends": [_plain(trend) for trend in self.trends],
            "outages": [_plain(outage) | {"seconds": round(outage.seconds, 3)} for outage in self.outages],
            "costs": [row.as_dict() for row in self.costs],
        }


@dataclass(frozen=True, slots=True)
class Overview:
    """What a history says of a stretch of time.

    Attributes:
        start: Its begin, in seconds UTC since 1970.
        end: Its end.
        providers: One entry for each provider that was reported in it; those of the newest report first.
    """

    start: float
    end: float
    providers: tuple[Past, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return a JSON-able form; see `SCHEMA`."""
        return {
            "schema": SCHEMA,
            "from": iso(self.start),
            "until": iso(self.end),
            "providers": [past.as_dict() for past in self.providers],
        }


def overview(file: HistoryFile, start: float, end: float, provider: str | None = None) -> Overview:
    """Read what a file says of the time from `start` to `end`.

    Args:
        file: Where to read.
        start: The begin, in seconds UTC since 1970.
        end: The end; often now.
        provider: Only this one.

    Raises:
        HistoryError: The file cannot be read; the text says why, and what to do.
    """
    spent = file.costs(int(start // _DAY), int(end // _DAY))
    names = file.providers() if provider is None else (provider,)
    if provider is None:
        names = tuple(dict.fromkeys([*names, *(row.provider for row in spent)]))
    pasts = (
        _past(file, name, start, end, tuple(row for row in spent if row.provider == name)) for name in names
    )
    return Overview(start, end, tuple(past for past in pasts if past is not None))


def _past(
    file: HistoryFile, provider: str, start: float, end: float, costs: tuple[DayCosts, ...]
) -> Past | None:
    rows = file.samples(provider, start, end)
    inside = [row for row in rows if row.at >= start]
    if not inside:
        return Past(provider, (), None, (), (), (), costs) if costs else None
    changed = tuple(change for change in changes(rows) if change.at >= start)
    return Past(
        provider=provider,
        uptime=tuple(uptime(rows, start, end)),
        change=changed[-1] if changed and changed[-1].at == rows[-1].at else None,
        changes=changed,
        trends=tuple(trends(inside, file.probes(provider, start, end))),
        outages=tuple(outages(rows)),
        costs=costs,
    )


def iso(at: float) -> str:
    """Return a time in seconds UTC since 1970 as ISO 8601 text."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _plain(row: Day | Change | Trend | Outage) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in asdict(row).items():
        if name == "day":
            found[name] = value.isoformat()
        elif name in ("at", "since", "start", "end", "last_seen"):
            found[name] = None if value is None else iso(value)
        elif name != "provider":
            found[name] = round(value, 3) if isinstance(value, float) else value
    return found


def _rounded(value: float | None, places: int) -> float | None:
    return None if value is None else round(value, places)
