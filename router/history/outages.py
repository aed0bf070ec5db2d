"""When a provider was out, and why. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router.history.samples import by_provider

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router.history.samples import Sample


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which a provider could not answer.

    Attributes:
        provider: Its name.
        start: When it was first seen unhealthy, in seconds UTC since 1970.
        end: When it was next seen healthy or degraded; None where that has not been seen yet.
        last_seen: When it was last seen unhealthy.
        cause: Why, as the first report of the outage says.
    """

    provider: str
    start: float
    end: float | None
    last_seen: float
    cause: str

    @property
    def seconds(self) -> float:
        """How long it lasted, or has lasted as far as is known."""
        return (self.last_seen if self.end is None else self.end) - self.start


def outages(samples: Iterable[Sample]) -> list[Outage]:
    """Return the outages, the oldest first.

    An outage begins with the first report that says unhealthy, and ends with the next one that says healthy
    or degraded. Unknown time belongs to it where the provider was out before and after.

    Args:
        samples: Of any providers.
    """
    found = [outage for rows in by_provider(samples).values() for outage in _of_one(rows)]
    return sorted(found, key=lambda outage: outage.start)


def _of_one(rows: list[Sample]) -> Iterator[Outage]:
    first: Sample | None = None
    last = 0.0
    for row in rows:
        if row.state == "unhealthy":
            first, last = first or row, row.at
        elif first is not None and row.state != "unknown":
            yield Outage(row.provider, first.at, row.at, last, first.reason)
            first = None
    if first is not None:
        yield Outage(first.provider, first.at, None, last, first.reason)
